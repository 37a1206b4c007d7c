import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../../src/drill/world/ports.ts";
import type { Contender } from "./contenders.ts";
import type { Programs } from "./programs.ts";

const START_TIMEOUT_MS = 30_000;
const POLL_MS = 25;
const here = (name: string) => new URL(name, import.meta.url).pathname;

export interface ProxyOptions {
  programs: Programs;
  /** Leaders of the two groups, `http://127.0.0.1:PORT`. */
  engines: readonly [string, string];
  /** For its files; it is not removed here. */
  folder: string;
}

const running = new Set<ChildProcess>();
/** A process group of its own outlives whoever forgets it. */
process.on("exit", () => {
  for (const { pid } of running)
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
    } catch {}
});

/** A proxy that is not ours, as a process group of its own on a port of loopback. */
export class ProxyProcess {
  readonly baseUrl: string;
  readonly #url: string;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #contender: Contender;

  private constructor(contender: Contender, child: ChildProcess, url: string, log: string) {
    this.#contender = contender;
    this.#child = child;
    this.#url = url;
    this.#log = log;
    this.baseUrl = `${url}/v1`;
  }

  /** Resolves at once; `ready` says when it serves. */
  static async start(contender: Contender, options: ProxyOptions): Promise<ProxyProcess> {
    const [port = 0, metricsPort = 0] = await freePorts(2);
    const folder = join(options.folder, `${contender.id}-${port}`);
    mkdirSync(folder, { recursive: true });
    const [command = "", ...args] = commandOf(contender, options, folder, port, metricsPort);
    const log = join(folder, "output.log");
    const output = openSync(log, "a");
    const child = spawn(command, args, {
      detached: true,
      stdio: ["ignore", output, output],
      env: { PATH: process.env.PATH, HOME: folder, PYTHONPATH: options.programs.routerFolder },
    });
    running.add(child);
    child.on("error", () => {});
    child.once("exit", () => running.delete(child));
    return new ProxyProcess(contender, child, `http://127.0.0.1:${port}`, log);
  }

  /** Its process group. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Resolves when it listens; the router also, when it counts `engines` of them as healthy. */
  async ready(engines: number): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#serves(engines))) {
      if (performance.now() > deadline || this.#child.exitCode !== null)
        throw new Error(`${this.#contender.label} did not start: ${readFileSync(this.#log, "utf8").slice(-2_000)}`);
      await sleep(POLL_MS);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.pid === undefined) return;
    const exit = once(this.#child, "exit");
    process.kill(-this.#child.pid, "SIGKILL");
    await exit;
  }

  async #serves(engines: number): Promise<boolean> {
    if (!(await listens(this.#url))) return false;
    if (this.#contender.program !== "sglang-router") return true;
    const { workers } = (await (await fetch(`${this.#url}/workers`)).json()) as { workers: { is_healthy: boolean }[] };
    return workers.filter((worker) => worker.is_healthy).length === engines;
  }
}

async function listens(url: string): Promise<boolean> {
  const socket = createConnection({ host: "127.0.0.1", port: Number(new URL(url).port) });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function commandOf(
  { id, program }: Contender,
  { programs, engines }: ProxyOptions,
  folder: string,
  port: number,
  metricsPort: number,
): string[] {
  if (program === "sglang-router") {
    const place = ["--host", "127.0.0.1", "--port", String(port)];
    const metrics = ["--prometheus-host", "127.0.0.1", "--prometheus-port", String(metricsPort)];
    const workers = ["--worker-urls", ...new Set(engines)];
    return [programs.python, here("launch_router.py"), ...place, ...metrics, ...workers, ...argsOf(`${id}.args`)];
  }
  const [a, b] = engines.map((url) => new URL(url).host);
  const values: Record<string, string | undefined> = { listen: `127.0.0.1:${port}`, a, b, folder };
  const template = readFileSync(here(`config/${id}.${program === "haproxy" ? "cfg" : "conf"}`), "utf8");
  const file = join(folder, "config");
  writeFileSync(
    file,
    template.replaceAll(/\{\{(\w+)\}\}/g, (_all, name: string) => values[name] ?? ""),
  );
  return program === "haproxy"
    ? ["haproxy", "-db", "-f", file]
    : ["nginx", "-p", folder, "-c", file, "-e", join(folder, "error.log"), "-g", "daemon off;"];
}

/** Words of a file with comments. */
function argsOf(name: string): string[] {
  const lines = readFileSync(here(`config/${name}`), "utf8").split("\n");
  return lines.filter((line) => !line.startsWith("#")).flatMap((line) => line.split(" ").filter(Boolean));
}
