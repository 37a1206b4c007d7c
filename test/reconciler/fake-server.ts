import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { Evidence } from "../../src/health/evidence.ts";
import type { SubscribeOptions, Subscription } from "../../src/stream/subscription.ts";
import { soundGpu } from "../support/gpu-sample.ts";
import { listenOnLoopback } from "./loopback.ts";

const HEARTBEAT_MS = 250;

/** One GPU server: its agent's stream, its engine's port, and what runs on it. */
export class FakeServer {
  readonly name: string;
  engine = "";
  bmc: string | undefined;
  isOn = true;
  /** When its agent last spoke, to whoever listens. */
  spokeMs = performance.now();
  /** How often it was switched on again. */
  boots = 0;
  /** Its agent is heard by nobody, though everything on it runs. */
  isMute = false;
  /** A process of nobody that holds its GPUs. */
  strayPid: number | null = null;
  group: string | null = null;
  #rank = 0;
  #bootId = randomUUID();
  #agent = randomUUID();
  #seq = 0;
  #pid = 100;
  #running = false;
  readonly #followers = new Set<SubscribeOptions>();
  readonly #timer = setInterval(() => this.#beat(), HEARTBEAT_MS);
  readonly #server: Server = createServer((_request, response) => {
    // Rank 0 hangs when a peer is gone; a machine without power answers nobody.
    if (!this.isOn || (this.#running && this.isStuck)) return;
    response.writeHead(this.#running && this.#rank === 0 ? 200 : 404).end("{}");
  });
  /** Its ranks wait for one that is gone. */
  isStuck = false;

  static async start(name: string): Promise<FakeServer> {
    const server = new FakeServer(name);
    server.engine = await listenOnLoopback(server.#server);
    return server;
  }

  private constructor(name: string) {
    this.name = name;
  }

  get listeners(): number {
    return this.#followers.size;
  }

  subscribe(options: SubscribeOptions): Subscription {
    this.#followers.add(options);
    if (this.isOn && !this.isMute) setTimeout(() => this.#greet(options), 1);
    return { close: () => this.#followers.delete(options) };
  }

  say(evidence: Evidence): void {
    if (!this.isOn || this.isMute) return;
    this.#seq += 1;
    this.spokeMs = performance.now();
    for (const follower of this.#followers) this.#tell(follower, evidence, this.#seq);
  }

  startRanks(group: string, rank: number): void {
    this.group = group;
    this.#rank = rank;
    this.#pid += 10;
    this.#running = true;
    this.isStuck = false;
    this.say(this.#rankNow());
    this.say(this.#gpus());
  }

  stopRanks(): void {
    if (!this.#running || !this.isOn) return;
    this.#running = false;
    this.say(this.#rankNow());
    this.say(this.#gpus());
  }

  /** Power is gone: no word, no process. */
  lose(): void {
    this.isOn = false;
    this.#running = false;
  }

  boot(): void {
    if (this.isOn) return;
    this.isOn = true;
    this.boots += 1;
    this.#bootId = randomUUID();
    this.#agent = randomUUID();
    this.#seq = 0;
    for (const follower of this.#followers) this.#greet(follower);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #beat(): void {
    if (!this.isOn || this.isMute) return;
    this.say(this.#gpus());
    for (const follower of this.#followers)
      follower.onFrame({ type: "beat", seq: this.#seq, ...stamp() }, performance.now());
  }

  #greet(follower: SubscribeOptions): void {
    follower.onConnection("connected", "snapshot", performance.now());
    const hello = { server: this.name, bootId: this.#bootId, agent: this.#agent, heartbeatMs: HEARTBEAT_MS };
    follower.onFrame({ type: "hello", ...hello, start: "snapshot", seq: this.#seq, ...stamp() }, performance.now());
    if (this.#running) this.say(this.#rankNow());
    this.say(this.#gpus());
  }

  #tell(follower: SubscribeOptions, evidence: Evidence, seq: number): void {
    follower.onFrame({ type: "evidence", seq, evidence, ...stamp() }, performance.now());
  }

  #rankNow(): Evidence {
    const state = this.#running ? "running" : "exited";
    return { kind: "rank", group: this.group ?? "", rank: this.#rank, pid: this.#pid, state };
  }

  #gpus(): Evidence {
    const processIds = [...(this.#running ? [this.#pid] : []), ...(this.strayPid === null ? [] : [this.strayPid])];
    const gpu = (index: number) => soundGpu(index, { temperatureC: 40, powerW: 100, processIds });
    return { kind: "gpus", expected: 8, found: 8, gpus: Array.from({ length: 8 }, (_, index) => gpu(index)) };
  }
}

const stamp = () => ({ monoMs: performance.now(), wallMs: Date.now() });
