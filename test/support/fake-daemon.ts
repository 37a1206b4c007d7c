import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { daemonSocket } from "../../src/machines/local/daemon.ts";
import { recordOf } from "../../src/machines/process-record.ts";

/** What is on the daemon, in the form of Docker's answers. */
export interface OnDaemon {
  containers?: { Names: string[] }[];
  networks?: { Name: string }[];
}

/**
 * A process in the place of a running private daemon, in the engine's folder: it has every image that it is asked for, and
 * ends by SIGTERM. `put` changes what is on it.
 */
export async function startFakeDaemon(folder: string) {
  mkdirSync(folder, { recursive: true });
  const child: ChildProcess = spawn(process.execPath, [import.meta.filename, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  if (child.stdout !== null) await once(child.stdout, "data");
  const put = (there: OnDaemon) => writeFileSync(join(folder, "there.json"), JSON.stringify(there));
  const runs = () => child.exitCode === null && child.signalCode === null && existsSync(join(folder, "daemon.json"));
  const end = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  return { put, runs, end };
}

async function serve(folder: string): Promise<void> {
  const there = (): OnDaemon => {
    const path = join(folder, "there.json");
    return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as OnDaemon) : {};
  };
  const answers: Record<string, () => unknown> = {
    "/info": () => ({ ServerVersion: "0", CgroupDriver: "cgroupfs", CgroupVersion: "2", DockerRootDir: folder }),
    "/containers/json": () => there().containers ?? [],
    "/networks": () => there().networks ?? [],
    "/networks/prune": () => ({}),
    "/volumes/prune": () => ({}),
  };
  // The real one ends its containerd first.
  process.once("SIGTERM", () => setTimeout(() => process.exit(0), 300));
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/\?.*/, "");
    const answer = answers[path] ?? (path.startsWith("/images/") ? () => ({}) : undefined);
    response.statusCode = answer === undefined ? 404 : 200;
    response.end(JSON.stringify(answer?.() ?? {}));
  });
  await once(server.listen(daemonSocket(folder)), "listening");
  writeFileSync(join(folder, "daemon.json"), JSON.stringify({ ...(await recordOf(process.pid)), made: [] }));
  process.stdout.write("ready\n");
}

if (process.argv[1] === import.meta.filename) await serve(process.argv[2] ?? "");
