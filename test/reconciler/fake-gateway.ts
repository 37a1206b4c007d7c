import { createServer, type Server } from "node:http";
import { Changes } from "../../src/gateway/changes.ts";
import { listenOnLoopback } from "./loopback.ts";

interface Role {
  active: string;
  epoch: number;
  reason: string;
  members?: Record<string, string[]>;
}

/** The admin port of one gateway replica: it follows the word, and moves by itself when a test says so. */
export class FakeGateway {
  url = "";
  active = "a";
  epoch = 1;
  role: Role = { active: "a", epoch: 1, reason: "the configuration" };
  members: Record<string, string[]> = { a: ["gpu-a", "gpu-b"], b: ["gpu-c", "gpu-d"] };
  requests: Record<string, number> = { a: 0, b: 0 };
  /** Every word that it was told, refused ones too. */
  readonly told: Role[] = [];
  isAway = false;
  /** Streams that it carries, as its status tells of them. */
  tokens: Record<string, number> = { a: 0, b: 0 };
  gapMs: number | null = null;
  lastFailover: object | null = null;
  /** The servers whose agents it follows. */
  servers: ReadonlyMap<string, { spokeMs: number }> = new Map();
  readonly #changes = new Changes();
  readonly #server: Server = createServer((request, response) => {
    let text = "";
    request.on("data", (piece) => {
      text += String(piece);
    });
    request.on("end", async () => {
      const asked = new URL(request.url ?? "/", "http://gateway").searchParams;
      if (asked.has("after")) await this.#changes.after(Number(asked.get("after")), Number(asked.get("wait")));
      if (this.isAway) return void response.destroy();
      if (request.method === "PUT" && !this.#take(JSON.parse(text))) return void response.writeHead(409).end("{}");
      response.writeHead(200).end(JSON.stringify(this.#status()));
    });
  });

  static async start(): Promise<FakeGateway> {
    const gateway = new FakeGateway();
    gateway.url = await listenOnLoopback(gateway.#server);
    return gateway;
  }

  moveTo(group: string): void {
    this.active = group;
    this.#changes.tell();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #take(role: Role): boolean {
    this.told.push(role);
    if (role.epoch < this.role.epoch) return false;
    if (role.epoch === this.role.epoch && JSON.stringify(role.members) === JSON.stringify(this.members)) return false;
    this.role = role;
    this.active = role.active;
    this.epoch = role.epoch;
    this.members = role.members ?? this.members;
    this.#changes.tell();
    return true;
  }

  #status(): object {
    const { active, epoch, role, members, requests, tokens, gapMs, lastFailover } = this;
    const { version } = this.#changes;
    const group = (id: string) => ({
      state: "clear",
      reason: "",
      servers: members[id],
      url: "",
      requests: requests[id],
      tokens: tokens[id],
    });
    return {
      version,
      gapMs,
      lastFailover,
      active,
      epoch,
      role,
      reason: "",
      groups: { a: group("a"), b: group("b") },
      servers: Object.fromEntries([...this.servers].map(([name, { spokeMs }]) => [name, heardSince(spokeMs)])),
    };
  }
}

const heardSince = (spokeMs: number) => ({ stream: "open", silentMs: performance.now() - spokeMs });
