import type { Readable } from "node:stream";
import { type DockerApi, ifStatus } from "./docker-api.ts";

/** The fields of `GET /containers/<id>/json` that we read. */
export interface ContainerInfo {
  Id: string;
  Name: string;
  Image: string;
  State: { Status: string; Running: boolean; Paused: boolean; Pid: number; StartedAt: string; ExitCode: number };
  Config: { Labels: Record<string, string> | null };
  Mounts: { Type: string; Name?: string; Source: string; Destination: string }[];
  NetworkSettings: { Networks: Record<string, { IPAddress: string; MacAddress: string }> };
}

export interface ContainerSpec {
  Image: string;
  Labels: Record<string, string>;
  HostConfig: Record<string, unknown>;
  [field: string]: unknown;
}

/** Makes a container without starting it; answers its id. A taken name is HTTP 409. */
export async function createContainer(api: DockerApi, name: string, spec: ContainerSpec, signal?: AbortSignal) {
  const { Id } = await api.call<{ Id: string }>("POST", "/containers/create", { query: { name }, body: spec, signal });
  return Id;
}

export function inspectContainer(api: DockerApi, id: string, signal?: AbortSignal): Promise<ContainerInfo | undefined> {
  return api.find<ContainerInfo>(`/containers/${id}/json`, { signal });
}

/** Starts it; running already is fine. */
export async function startContainer(api: DockerApi, id: string, signal?: AbortSignal): Promise<void> {
  await api.call("POST", `/containers/${id}/start`, { signal });
}

/** Ends it and removes it with its anonymous volumes; absent is fine. */
export async function removeContainer(api: DockerApi, id: string): Promise<void> {
  // A frozen process cannot be killed: with cgroup v1 the daemon would wait for ever.
  await api.call("POST", `/containers/${id}/unpause`).catch(ifStatus(404, 409, 500));
  // 409: somebody else removes it right now. Waiting makes "gone" true for the caller as well.
  const query = { force: "true", v: "true" };
  const removed = await api.call("DELETE", `/containers/${id}`, { query }).then(() => true, ifStatus(404, 409));
  if (!removed)
    await api.call("POST", `/containers/${id}/wait`, { query: { condition: "removed" } }).catch(ifStatus(404));
}

/** Waits for its end; answers the exit code. */
export async function waitContainer(api: DockerApi, id: string, signal?: AbortSignal): Promise<number> {
  const path = `/containers/${id}/wait`;
  return (await api.call<{ StatusCode: number }>("POST", path, { timeoutMs: 1_800_000, signal })).StatusCode;
}

/** Unpacks a tar archive at `/` of a container, running or not. */
export async function putArchive(
  api: DockerApi,
  id: string,
  archive: Readable | Buffer,
  signal?: AbortSignal,
): Promise<void> {
  await api.call("PUT", `/containers/${id}/archive`, { query: { path: "/" }, archive, timeoutMs: 600_000, signal });
}

/** The last lines that the container printed, stdout and stderr. */
export async function containerLogs(api: DockerApi, id: string, lines = 20): Promise<string> {
  const query = { stdout: "true", stderr: "true", tail: String(lines) };
  const chunks: Buffer[] = [];
  for await (const chunk of await api.stream("GET", `/containers/${id}/logs`, { query })) chunks.push(chunk as Buffer);
  return unframe(Buffer.concat(chunks));
}

/** Takes Docker's 8-byte frame headers (stream, 0, 0, 0, length as 32 bits) out of a log. */
export function unframe(bytes: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString("utf8");
}
