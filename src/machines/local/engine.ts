import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { TandemError } from "../../errors.ts";
import { engineDir, tandemHome } from "../home.ts";
import { withLock } from "../lock.ts";
import { removeContainer } from "./container.ts";
import { daemonSocket, daemonWasStarted, findDaemon, startDaemon, stopDaemon } from "./daemon.ts";
import { ENGINE_PACKAGES, unpackDebianPackages } from "./debian-packages.ts";
import { DockerApi } from "./docker-api.ts";
import { type DockerInfo, judgeHostEngine } from "./host-engine.ts";
import { removeOldImages } from "./old-images.ts";

/** A container engine on this machine that can run our machines. */
export interface Engine {
  /** `private`: our own daemon under TANDEM_HOME; `host`: a Docker that was running here already. */
  kind: "private" | "host";
  home: string;
  socketPath: string;
  /** For DOCKER_HOST. */
  dockerHost: string;
  version: string;
  cgroupDriver: "cgroupfs" | "systemd";
  cgroupVersion: 1 | 2;
  /** Where its data lies: what must have room. */
  dataRoot: string;
  api: DockerApi;
}

export interface EngineOptions {
  home?: string;
  onProgress?: (text: string) => void;
  signal?: AbortSignal | undefined;
}

/**
 * The engine that machines run on: a rootful Docker that runs here already, else a private daemon from Debian's
 * packages under TANDEM_HOME, started now if need be. Call it as often as you like: a daemon that was killed is started
 * again and finds its containers running. `TANDEM_ENGINE=private` skips the search for a running Docker.
 *
 * @throws TandemError E_NOT_ROOT, E_ENGINE_ROOTLESS, E_ENGINE_REMOTE, E_ENGINE_FOREIGN, E_NO_APT, E_APT, E_ENGINE_START.
 */
export async function ensureEngine({ home = tandemHome(), onProgress, signal }: EngineOptions = {}): Promise<Engine> {
  if (process.getuid?.() !== 0) {
    throw new TandemError({
      code: "E_NOT_ROOT",
      what: "local machines need root",
      why: `this runs as user ${process.getuid?.()}; mounts, cgroups and network links of machines belong to root`,
      fix: "run the same command with sudo",
    });
  }
  const folder = engineDir(home);
  return withLock(join(folder, "lock"), signal, async () => {
    const found = await findEngine({ home });
    if (found) return found;
    // Once machines were made on the private daemon, a Docker that somebody started later must not hide them.
    if (!(await daemonWasStarted(folder))) {
      const host = await hostEngine(home);
      if (host) return host;
    }
    const packages = await unpackDebianPackages(folder, ENGINE_PACKAGES, { ...(onProgress && { onProgress }), signal });
    onProgress?.("starting the private container daemon");
    await startDaemon(folder, packages, signal);
    return openEngine("private", home, daemonSocket(folder));
  });
}

/** The engine if it runs; starts and downloads nothing. */
export async function findEngine({ home = tandemHome() }: EngineOptions = {}): Promise<Engine | undefined> {
  const folder = engineDir(home);
  if (await findDaemon(folder)) return openEngine("private", home, daemonSocket(folder));
  return (await daemonWasStarted(folder)) ? undefined : hostEngine(home);
}

/**
 * Ends the private daemon with every container in it; a Docker of the host is left alone. The machine image and the
 * unpacked programs are caches: they stay unless `purge`, which takes our images from a Docker of the host as well.
 */
export async function removeEngine({
  home = tandemHome(),
  purge = false,
  signal,
}: EngineOptions & { purge?: boolean } = {}) {
  const folder = engineDir(home);
  const started = await daemonWasStarted(folder);
  // Killed before: only a running daemon can take its containers apart.
  const engine = started ? await ensureEngine({ home, signal }) : await findEngine({ home });
  if (engine) {
    if (engine.kind === "private") await removeAllContainers(engine.api);
    else if (purge) await removeOldImages(engine);
    await engine.api.close();
  }
  if (started) await withLock(join(folder, "lock"), signal, () => stopDaemon(folder));
  if (purge) await rm(folder, { recursive: true, force: true });
}

async function removeAllContainers(api: DockerApi): Promise<void> {
  const list = () => api.call<{ Id: string }[]>("GET", "/containers/json", { query: { all: "true" } });
  for (let rows = await list(); rows.length > 0; rows = await list()) {
    await Promise.all(rows.map(({ Id }) => removeContainer(api, Id)));
  }
  await api.call("POST", "/networks/prune");
  await api.call("POST", "/volumes/prune");
}

async function hostEngine(home: string): Promise<Engine | undefined> {
  const wanted = process.env.DOCKER_HOST;
  const ours = `unix://${daemonSocket(engineDir(home))}`;
  if (process.env.TANDEM_ENGINE === "private") return undefined;
  if (wanted && wanted !== ours && !wanted.startsWith("unix://")) {
    throw new TandemError({
      code: "E_ENGINE_REMOTE",
      what: "this Docker cannot run local machines",
      why: `DOCKER_HOST is ${wanted}: machines need links and routes on the computer that runs the daemon`,
      fix: "unset DOCKER_HOST, and run the same command again",
    });
  }
  const socketPath = wanted && wanted !== ours ? wanted.slice("unix://".length) : "/var/run/docker.sock";
  const there = await access(socketPath).then(
    () => true,
    () => false,
  );
  return there ? openEngine("host", home, socketPath) : undefined;
}

async function openEngine(kind: Engine["kind"], home: string, socketPath: string): Promise<Engine | undefined>;
async function openEngine(kind: "private", home: string, socketPath: string): Promise<Engine>;
async function openEngine(kind: Engine["kind"], home: string, socketPath: string): Promise<Engine | undefined> {
  const api = new DockerApi(socketPath);
  try {
    const info = await api.call<DockerInfo>("GET", "/info", { timeoutMs: 10_000 });
    if (kind === "host") judgeHostEngine(socketPath, info);
    return {
      kind,
      home,
      socketPath,
      dockerHost: `unix://${socketPath}`,
      version: info.ServerVersion,
      cgroupDriver: info.CgroupDriver === "systemd" ? "systemd" : "cgroupfs",
      cgroupVersion: info.CgroupVersion === "2" ? 2 : 1,
      dataRoot: info.DockerRootDir,
      api,
    };
  } catch (error) {
    await api.close();
    // A socket without a daemon behind it is what a stopped Docker leaves.
    const code = (error as NodeJS.ErrnoException).code;
    if (kind === "host" && (code === "ECONNREFUSED" || code === "ENOENT")) return undefined;
    throw error;
  }
}
