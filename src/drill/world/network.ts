import { type ChildProcess, spawn } from "node:child_process";
import { entryPath } from "../../machines/entry-path.ts";
import { compiledDir } from "../../machines/home.ts";
import type { SeenRequest } from "../arena.ts";
import type { Link, NetworkOrder, NetworkReport } from "./network-messages.ts";

type Body<T> = T extends unknown ? Omit<T, "id"> : never;
type Done = Extract<NetworkReport, { report: "done" }>;

interface OpenOptions {
  link?: Link;
  watch?: boolean;
  patient?: boolean;
  dark?: boolean;
}

/** The cables between the emulated servers, held by a process of its own. */
export class Network {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(done: Done): void; reject(error: Error): void }>();
  readonly exited: Promise<void>;
  /** Called when the request of a stream reaches a server. */
  onRequest: (request: SeenRequest) => void = () => {};
  #orders = 0;

  /** @param folder removed by that process if this one is killed */
  constructor(folder: string) {
    this.#child = spawn(process.execPath, [entryPath(new URL("./network-main.ts", import.meta.url)), folder], {
      detached: true,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: compiledDir() },
    });
    this.#child.on("message", (report: NetworkReport) => this.#hear(report));
    this.exited = new Promise((resolve) => {
      const end = () => {
        for (const { reject } of this.#waiting.values()) reject(new Error("the network process ended"));
        resolve();
      };
      this.#child.once("exit", end).once("error", end);
    });
  }

  /** A port that leads over the cable of `server` to its own port `target`. */
  async open(
    server: string,
    target: number,
    { link = "engine", watch = false, patient = false, dark = false }: OpenOptions = {},
  ): Promise<number> {
    return (await this.#order({ order: "open", server, link, target, watch, patient, dark })).port as number;
  }

  /** Nothing passes from or to this server any more, or over one of its links. Resolves with the moment that it happened. */
  async cut(server: string, link?: Link): Promise<number> {
    return (await this.#order({ order: "cut", server, ...(link === undefined ? {} : { link }) })).atMs;
  }

  async mend(server: string, { reset, link }: { reset: boolean; link?: Link }): Promise<void> {
    await this.#order({ order: "mend", server, reset, ...(link === undefined ? {} : { link }) });
  }

  /** Has a process group ended even if this process is killed. */
  async keep(processGroup: number): Promise<void> {
    await this.#order({ order: "keep", processGroup });
  }

  /** To be called when a kept process has ended: what has its number afterwards is not ours to end. */
  async forgetEnded(): Promise<void> {
    if (this.#child.connected) await this.#order({ order: "forget-ended" });
  }

  /** Ends the process, and with it every process group it was given. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.exited;
  }

  #order(body: Body<NetworkOrder>): Promise<Done> {
    const id = ++this.#orders;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ ...body, id }, (error) => error && reject(error));
    });
  }

  #hear(report: NetworkReport): void {
    if (report.report === "request") {
      this.onRequest(report);
      return;
    }
    const waiting = this.#waiting.get(report.id);
    this.#waiting.delete(report.id);
    if (report.report === "done") waiting?.resolve(report);
    else waiting?.reject(new Error(report.error));
  }
}
