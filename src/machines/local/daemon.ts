import { spawn } from "node:child_process";
import { access, mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TandemError } from "../../errors.ts";
import { isRunning, type ProcessRecord, recordOf } from "../process-record.ts";
import type { UnpackedPackages } from "./debian-packages.ts";
import { DockerApi } from "./docker-api.ts";
import { removeUnused, unmountBelow } from "./leftovers.ts";

/** What the private daemon is and what it found on the host; kept in `<engine>/daemon.json` while it exists. */
interface DaemonRecord extends ProcessRecord {
  /** Folders outside TANDEM_HOME that Docker and containerd make and that were not there before. */
  made: string[];
}

// Fixed in their sources, not settable: containerd's shim sockets, Docker's plug-in sockets.
const OUTSIDE = ["/run/containerd", "/run/docker"];

export function daemonSocket(folder: string): string {
  return join(folder, "docker.sock");
}

function execRoot(folder: string): string {
  return join(folder, "exec");
}

/** The running private daemon, or `undefined`. */
export async function findDaemon(folder: string): Promise<DaemonRecord | undefined> {
  const record = await readRecord(folder);
  return record && (await isRunning(record)) ? record : undefined;
}

/** Whether a private daemon was started and not stopped by us: it runs, or it was killed. */
export async function daemonWasStarted(folder: string): Promise<boolean> {
  return (await readRecord(folder)) !== undefined;
}

/**
 * Starts dockerd with everything it owns under `folder`: socket, data, containerd. It makes no bridge, no firewall
 * rule and does not switch on forwarding, so there is nothing of that kind to undo. Containers live through its death.
 */
export async function startDaemon(folder: string, packages: UnpackedPackages, signal?: AbortSignal): Promise<void> {
  await mkdir(execRoot(folder), { recursive: true, mode: 0o700 });
  const before = await readRecord(folder);
  const made = before?.made ?? (await missing(OUTSIDE));
  const config = join(folder, "dockerd-config.json");
  await writeFile(config, JSON.stringify(daemonConfig(folder), undefined, 2));
  await clearDeadPids(folder);
  const log = await open(join(folder, "dockerd.log"), "w", 0o600);
  try {
    const child = spawn(join(packages.root, "usr/sbin/dockerd"), ["--config-file", config], {
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
      env: {
        PATH: [...packages.binDirs, process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin"].join(":"),
        LD_LIBRARY_PATH: packages.libDirs.join(":"),
        HOME: folder,
        // dockerd has a containerd that does not answer in time write its stacks there before it is started anew.
        TMPDIR: execRoot(folder),
        // A proxy or a credential of the shell has no business in a daemon that pulls nothing.
      },
    });
    const exited = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, killed) => resolve(`it ended with ${killed ?? `exit code ${code}`}`));
    });
    child.unref();
    const record = child.pid === undefined ? undefined : await recordOf(child.pid);
    if (record) await writeRecord(folder, { ...record, made });
    await answering(folder, exited, signal).catch(async (error) => {
      // With an earlier daemon there are containers: what is known about it must stay for the next try.
      if (record && before) process.kill(record.pid, "SIGTERM");
      else await stopDaemon(folder);
      throw error;
    });
  } finally {
    await log.close();
  }
}

/** Ends the daemon and its containerd; the caller has removed every container before. Removes what it left outside. */
export async function stopDaemon(folder: string): Promise<void> {
  const record = await readRecord(folder);
  if (!record) return;
  if (await isRunning(record)) {
    process.kill(record.pid, "SIGTERM");
    // dockerd gives its containerd 15 s; after that only force helps.
    for (let waited = 0; waited < 20_000 && (await isRunning(record)); waited += 50) await delay(50);
    if (await isRunning(record)) process.kill(record.pid, "SIGKILL");
  }
  for (const path of record.made) await removeUnused(path);
  await unmountBelow(folder);
  for (const name of ["docker.sock", "docker.pid", "dockerd.log", "dockerd-config.json", "key.json"]) {
    await rm(join(folder, name), { force: true });
  }
  await rm(execRoot(folder), { recursive: true, force: true });
  await rm(recordPath(folder), { force: true });
}

/**
 * A killed daemon leaves pid files. The numbers may be somebody else's by now, and dockerd takes a containerd that is
 * just dying (the kernel kills it with its parent) for one that runs, and waits for it in vain.
 */
async function clearDeadPids(folder: string): Promise<void> {
  const containerd = join(execRoot(folder), "containerd/containerd.pid");
  const pid = Number(await readFile(containerd, "utf8").catch(() => "0"));
  const cmdline = () => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  for (let waited = 0; waited < 10_000 && pid > 0 && (await cmdline()).includes(folder); waited += 20) await delay(20);
  await rm(containerd, { force: true });
  await rm(join(folder, "docker.pid"), { force: true });
}

function daemonConfig(folder: string) {
  return {
    hosts: [`unix://${daemonSocket(folder)}`],
    "data-root": join(folder, "data"),
    "exec-root": execRoot(folder),
    pidfile: join(folder, "docker.pid"),
    // Else it is written to /etc/docker.
    "deprecated-key-path": join(folder, "key.json"),
    group: "root",
    iptables: false,
    ip6tables: false,
    "ip-forward": false,
    "ip-masq": false,
    bridge: "none",
    "userland-proxy": false,
    "live-restore": true,
    "storage-driver": "overlay2",
    // Without a systemd on the host there is nobody who could make slices.
    "exec-opts": ["native.cgroupdriver=cgroupfs"],
    "log-level": "warn",
  };
}

async function answering(folder: string, exited: Promise<string>, signal: AbortSignal | undefined): Promise<void> {
  const api = new DockerApi(daemonSocket(folder));
  try {
    let ended: string | undefined;
    void exited.then((reason) => {
      ended = reason;
    });
    for (let waited = 0; waited < 60_000; waited += 50) {
      signal?.throwIfAborted();
      if (
        await api.call("GET", "/version", { timeoutMs: 2_000 }).then(
          () => true,
          () => false,
        )
      )
        return;
      if (ended !== undefined) break;
      await delay(50);
    }
    const log = await readFile(join(folder, "dockerd.log"), "utf8").catch(() => "");
    throw new TandemError({
      code: "E_ENGINE_START",
      what: "the private container daemon did not start",
      why: `${ended ?? "no answer within 60 s"}; its last words: ${log.trim().split("\n").slice(-2).join(" | ").slice(0, 400)}`,
      fix: `read ${join(folder, "dockerd.log")}, or start a Docker of your own and run the same command again`,
    });
  } finally {
    await api.close();
  }
}

async function missing(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return paths.filter((_path, at) => !found[at]);
}

function recordPath(folder: string): string {
  return join(folder, "daemon.json");
}

async function readRecord(folder: string): Promise<DaemonRecord | undefined> {
  const text = await readFile(recordPath(folder), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as DaemonRecord);
}

async function writeRecord(folder: string, record: DaemonRecord): Promise<void> {
  await writeFile(recordPath(folder), JSON.stringify(record));
}
