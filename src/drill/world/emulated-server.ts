import { once } from "node:events";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { writeCheckpoint } from "../../emulator/gpu/checkpoint.ts";
import { writeInfiniband } from "../../emulator/gpu/infiniband.ts";
import { kmsgRecord } from "../../emulator/gpu/kernel-log.ts";
import { entryPath } from "../../machines/entry-path.ts";
import { monotonicMs } from "../clock.ts";
import { Child } from "./child.ts";
import { engineArgs } from "./engine-args.ts";

export interface ServerPlace {
  name: string;
  group: string;
  nodeRank: number;
  /** Files of this server: kernel log, `gpus.tsv`, `sys`, control socket. */
  folder: string;
  /** Its own ports, behind its cable. */
  ports: { http: number; agent: number };
  /** Where it reaches the rendezvous of its group; on rank 0 its own port. */
  distPort: number;
  /** How others reach it, over its cable. */
  reachedAt: { http: number; agent: number };
}

export interface EngineLaunch {
  args: readonly string[];
  env: Record<string, string>;
}

export interface Rank {
  rank: number;
  pid: number;
}

const ENGINE = entryPath(new URL("../../emulator/engine/python3.ts", import.meta.url));

/** One GPU server of the rehearsal: an engine with its ranks, an agent, and the files that stand for kernel and driver. */
export class EmulatedServer {
  readonly place: ServerPlace;
  readonly #launch: EngineLaunch;
  engine: Child | null = null;
  agent: Child | null = null;
  #records = 0;

  constructor(place: ServerPlace, launch: EngineLaunch) {
    this.place = place;
    this.#launch = launch;
    mkdirSync(place.folder, { recursive: true });
    writeFileSync(this.kernelLog, "");
    writeFileSync(this.gpuFaults, "");
    writeFileSync(this.machineFile, JSON.stringify({ name: place.name, gpus: 8 }));
    writeInfiniband(join(place.folder, "sys"), place.name, 8);
    writeCheckpoint(this.weights);
  }

  get name(): string {
    return this.place.name;
  }

  get kernelLog(): string {
    return join(this.place.folder, "kmsg");
  }

  get gpuFaults(): string {
    return join(this.place.folder, "gpus.tsv");
  }

  get machineFile(): string {
    return join(this.place.folder, "machine.json");
  }

  /** Room on its disks that somebody planted; `src/emulator/gpu/df.sh` reads it. */
  get diskFaults(): string {
    return join(this.place.folder, "disks.tsv");
  }

  /** What stands for the checkpoint on its disk, and for the kernels that its engine has compiled. */
  get weights(): string {
    return join(this.place.folder, "weights");
  }

  get kernelCache(): string {
    return join(this.place.folder, "kernel-cache");
  }

  get controlSocket(): string {
    return join(this.place.folder, "engine.sock");
  }

  /**
   * Starts the engine's launcher; resolves at once. Rank 0 prints `ready to roll` when the whole group is loaded.
   * `moreArgs` is a mistake in its command line.
   */
  startEngine(moreArgs: readonly string[] = []): Child {
    const { nodeRank, ports, distPort, name } = this.place;
    this.engine = new Child({
      name: `engine of ${name}`,
      script: ENGINE,
      args: [...engineArgs(this.#launch.args, { nodeRank, httpPort: ports.http, distPort }), ...moreArgs],
      env: {
        ...this.#launch.env,
        EMULATOR_CONTROL_SOCKET: this.controlSocket,
        // The plan's folder is that of a server; here every server has its own.
        SGLANG_CACHE_DIR: this.kernelCache,
      },
    });
    return this.engine;
  }

  /** Resolves when this server's part of the engine serves. */
  async engineReady(): Promise<void> {
    await this.engine?.printed(this.place.nodeRank === 0 ? "ready to roll" : "Dummy health check server");
  }

  /** Everything that runs on this server. */
  get children(): Child[] {
    return [this.engine, this.agent].filter((child) => child !== null);
  }

  /** Signals every process of this server, ranks too. */
  signal(signal: NodeJS.Signals): void {
    for (const child of this.children) child.signal(signal);
  }

  async kill(): Promise<void> {
    await Promise.all(this.children.map((child) => child.kill()));
    this.engine = null;
    this.agent = null;
  }

  /** Gives an order to the engine's control socket, as drills do. */
  async order(order: object): Promise<Record<string, unknown>> {
    const socket = createConnection(this.controlSocket);
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
      if (answer.includes("\n")) socket.destroy();
    });
    socket.write(`${JSON.stringify(order)}\n`);
    await once(socket, "close");
    return JSON.parse(answer) as Record<string, unknown>;
  }

  async ranks(): Promise<Rank[]> {
    return (await this.order({ status: true })).ranks as Rank[];
  }

  /** Appends a line to the kernel log as the driver would; returns the moment. */
  appendKernelLine(text: string): number {
    const atMs = monotonicMs();
    appendFileSync(this.kernelLog, kmsgRecord(++this.#records, atMs * 1000, text));
    return atMs;
  }
}
