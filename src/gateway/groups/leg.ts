import type { Break } from "../../failover/choose/view.ts";
import type { AnswerHead } from "../../stream/http/answer-head.ts";
import { type AnswerEvents, AnswerReader } from "../../stream/http/answer-reader.ts";
import type { ConnectionUser, EngineConnection, EngineConnections } from "./engine-connections.ts";

export interface LegTarget {
  url: string;
  connections: EngineConnections;
  key: string | null;
  connectTimeoutMs: number;
}

export interface LegEvents {
  /** The engine took the request; `stream` false is an answer in one piece. */
  onHead(status: number, stream: boolean, retryAfterS: number | null): void;
  /** Bytes of the body as a binary string. */
  onData(text: string): void;
  /** The answer ended as HTTP wants it; whether it is complete only its frames tell. */
  onEnd(): void;
  onBreak(how: Break["how"], detail: string): void;
}

export interface Leg {
  pause(): void;
  resume(): void;
  /** Leaves without a word; no event follows. */
  abandon(): void;
}

/** Nobody listens there, or nobody is there. */
const REFUSALS: readonly (string | undefined)[] = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"];

/** Sends one request to an engine. Exactly one of `onEnd` and `onBreak` comes, unless the leg is abandoned. */
export function openLeg(target: LegTarget, path: string, body: string, events: LegEvents): Leg {
  return new HttpLeg(target, path, body, events);
}

class HttpLeg implements Leg, ConnectionUser, AnswerEvents {
  readonly #target: LegTarget;
  readonly #url: URL;
  readonly #events: LegEvents;
  readonly #head: string;
  readonly #body: string;
  #connection: EngineConnection;
  readonly #answer = new AnswerReader(this);
  #answered = false;
  #paused = false;
  #over = false;
  #connecting: NodeJS.Timeout | undefined;

  constructor(target: LegTarget, path: string, body: string, events: LegEvents) {
    this.#target = target;
    this.#url = new URL(target.url + path);
    this.#events = events;
    this.#head = headOf(this.#url, target.key, body);
    this.#body = body;
    this.#connection = this.#send();
  }

  onHead({ status, type, retryAfterS }: AnswerHead): void {
    if (!this.#over) this.#events.onHead(status, type.startsWith("text/event-stream"), retryAfterS);
  }

  onBody(text: string): void {
    if (!this.#over) this.#events.onData(text);
  }

  #send(): EngineConnection {
    const { connections, connectTimeoutMs } = this.#target;
    const connection = connections.take(this.#url, this);
    const { socket } = connection;
    // A host without power answers nothing, not even a refusal.
    if (socket.connecting)
      this.#connecting = setTimeout(() => this.#broken("refused", "ETIMEDOUT while connecting"), connectTimeoutMs);
    socket.cork();
    socket.write(this.#head, "latin1");
    socket.write(this.#body, "utf8");
    socket.uncork();
    return connection;
  }

  onConnect(): void {
    clearTimeout(this.#connecting);
  }

  onData(text: string): void {
    this.#answered = true;
    const answer = this.#answer;
    answer.push(text);
    if (this.#over) return;
    if (answer.done) this.#whole();
    else if (answer.broken) this.#broken("reset", "what came is no HTTP");
  }

  onEnd(): void {
    this.#answer.close();
    if (this.#answer.done) this.#whole();
    else this.onClose(null);
  }

  onClose(error: NodeJS.ErrnoException | null): void {
    if (this.#over) return;
    this.#letGo();
    const code = error?.code;
    // The engine closed an idle connection in the moment of its reuse; that says nothing about the engine.
    if (
      this.#connection.reused &&
      !this.#answered &&
      (code === undefined || code === "ECONNRESET" || code === "EPIPE")
    ) {
      this.#target.connections.dropIdle();
      this.#connection = this.#send();
      return;
    }
    this.#broken(!this.#answered && REFUSALS.includes(code) ? "refused" : "reset", code ?? "cut short");
  }

  #whole(): void {
    if (this.#over) return;
    this.#over = true;
    const { socket } = this.#connection;
    if (this.#answer.reusable && !this.#paused) this.#target.connections.giveBack(this.#url, this.#connection);
    else socket.destroy();
    this.#events.onEnd();
  }

  #broken(how: Break["how"], detail: string): void {
    if (this.#over) return;
    this.abandon();
    this.#events.onBreak(how, detail);
  }

  pause(): void {
    if (this.#over) return;
    this.#paused = true;
    this.#connection.socket.pause();
  }

  resume(): void {
    if (this.#over) return;
    this.#paused = false;
    this.#connection.socket.resume();
  }

  abandon(): void {
    if (this.#over) return;
    this.#over = true;
    this.#letGo();
  }

  #letGo(): void {
    clearTimeout(this.#connecting);
    this.#connection.user = null;
    this.#connection.socket.destroy();
  }
}

function headOf({ host, pathname, search }: URL, key: string | null, body: string): string {
  if (key !== null && !/^[\t\x20-\x7e]*$/.test(key)) throw new Error("the engine's key does not fit into a header");
  const authorization = key === null ? "" : `authorization: Bearer ${key}\r\n`;
  return (
    `POST ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n${authorization}` +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
  );
}
