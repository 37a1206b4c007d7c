import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { extract } from "tar-stream";
import { packLayer } from "../images/layer-tar.ts";
import { type DockerApi, ifStatus } from "./docker-api.ts";
import { gpuSeed } from "./gpu-seed.ts";
import type { MachineRequest } from "./machine-record.ts";

/** What makes one machine different from the next, as a tar archive for its root: the key that may log in, who it is. */
export async function machineSeed({ name, role, gpus, address, authorizedKey }: MachineRequest): Promise<Buffer> {
  const archive = new PassThrough();
  // GPUs have their ids from it; nvidia-smi.sh, which runs all day, would start two programs to work it out.
  const identity = { name, role, gpus, address, seed: gpuSeed(name) };
  const [bytes] = await Promise.all([
    buffer(archive),
    packLayer(
      [
        // Named because a folder that is not gets 0755.
        { path: "root", directory: true, mode: 0o700 },
        { path: "root/.ssh", directory: true, mode: 0o700 },
        { path: "root/.ssh/authorized_keys", content: `${authorizedKey.trim()}\n`, mode: 0o600 },
        // Read by the hardware emulator.
        { path: "etc/tandem/machine.json", content: `${JSON.stringify(identity)}\n` },
      ],
      archive,
    ),
  ]);
  return bytes;
}

/** The public host key that a machine made at its first boot, without a comment: `ssh-ed25519 AAAA…`. */
export async function readHostKey(api: DockerApi, container: string, signal?: AbortSignal): Promise<string> {
  const query = { path: "/etc/ssh/ssh_host_ed25519_key.pub" };
  for (let tries = 0; tries < 100; tries++) {
    const archive = await api.stream("GET", `/containers/${container}/archive`, { query, signal }).catch(ifStatus(404));
    const text = archive && (await firstFile(archive));
    const [type, key] = text?.trim().split(" ") ?? [];
    if (type && key) return `${type} ${key}`;
    await delay(50, undefined, signal ? { signal } : {});
  }
  throw new Error(`${container} answers on its SSH port and has no host key`);
}

async function firstFile(archive: NodeJS.ReadableStream): Promise<string | undefined> {
  const entries = extract();
  archive.on("error", (error) => entries.destroy(error)).pipe(entries);
  let found: string | undefined;
  for await (const entry of entries) {
    const bytes = await buffer(entry);
    found ??= bytes.toString("utf8");
  }
  return found;
}
