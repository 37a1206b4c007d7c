import { type Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { Break } from "../../failover/choose/view.ts";

export interface LegTarget {
  url: string;
  agent: Agent;
  key: string | null;
  connectTimeoutMs: number;
}

export interface LegEvents {
  /** The engine took the request; `stream` false is an answer in one piece. */
  onHead(status: number, stream: boolean): void;
  onData(chunk: Buffer): void;
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

/** Sends one request to an engine. Exactly one of `onEnd` and `onBreak` comes, unless the leg is abandoned. */
export function openLeg(target: LegTarget, path: string, body: string, events: LegEvents): Leg {
  let response: IncomingMessage | null = null;
  let over = false;
  let paused = false;
  let request = send();

  function finish(act: () => void): void {
    if (over) return;
    over = true;
    act();
  }

  function send() {
    const sent = httpRequest(target.url + path, {
      method: "POST",
      agent: target.agent,
      headers: {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        ...(target.key === null ? {} : { authorization: `Bearer ${target.key}` }),
      },
    });
    sent.setNoDelay(true);
    let connecting: NodeJS.Timeout | undefined;
    sent.on("socket", (socket) => {
      if (!socket.connecting) return;
      // A host without power answers nothing, not even a refusal.
      connecting = setTimeout(() => sent.destroy(new Error("ETIMEDOUT while connecting")), target.connectTimeoutMs);
      socket.once("connect", () => clearTimeout(connecting));
    });
    sent.on("response", (incoming) => {
      response = incoming;
      if (over) return void incoming.destroy();
      if (paused) incoming.pause();
      const type = incoming.headers["content-type"] ?? "";
      events.onHead(incoming.statusCode ?? 0, type.startsWith("text/event-stream"));
      incoming.on("data", (chunk: Buffer) => over || events.onData(chunk));
      incoming.on("end", () =>
        finish(() => (incoming.complete ? events.onEnd() : events.onBreak("closed", "cut short"))),
      );
      incoming.on("error", (error: NodeJS.ErrnoException) =>
        finish(() => events.onBreak("reset", error.code ?? error.message)),
      );
      incoming.on("close", () => finish(() => events.onBreak("closed", "closed")));
    });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(connecting);
      if (over || response !== null) return;
      // The engine closed an idle connection in the moment of its reuse; that says nothing about the engine.
      if (sent.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE")) {
        target.agent.destroy();
        request = send();
        return;
      }
      const refused = error.code === "ECONNREFUSED" || error.code === "EHOSTUNREACH" || error.code === "ENETUNREACH";
      finish(() =>
        events.onBreak(
          refused || error.message.startsWith("ETIMEDOUT") ? "refused" : "reset",
          error.code ?? error.message,
        ),
      );
    });
    sent.end(body);
    return sent;
  }

  return {
    pause: () => {
      paused = true;
      response?.pause();
    },
    resume: () => {
      paused = false;
      response?.resume();
    },
    abandon: () => {
      over = true;
      request.on("error", () => {});
      request.destroy();
      response?.destroy();
    },
  };
}
