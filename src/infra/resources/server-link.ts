import { connect } from "node:net";
import { TandemError } from "../../errors.ts";
import { openRemote, type Remote } from "../../machines/server/remote.ts";
import type { Operation } from "../provider/resource-type.ts";
import { resumeCommand } from "../stack/resume.ts";
import type { Access } from "./shapes.ts";

export interface Server {
  name: string;
  address: string;
  access: Access;
}

interface Shared {
  remote: Remote;
  users: number;
}
const shared = new Map<string, Shared>();
/** Connections on their way out: a new one under the same name would meet the old one's socket. */
const closing = new Map<string, Promise<void>>();

/**
 * Runs work on one server. Operations that run at the same time share its SSH connection (every join talks to the control
 * plane), and the last one closes it.
 */
export async function onServer<Result>(server: Server, work: (remote: Remote) => Promise<Result>): Promise<Result> {
  const { name, address, access } = server;
  const target = { name, address, ...access };
  const key = JSON.stringify(target);
  await closing.get(key);
  const entry = shared.get(key) ?? { remote: openRemote(target, { resume: resumeCommand() }), users: 0 };
  shared.set(key, entry);
  entry.users += 1;
  try {
    return await work(entry.remote);
  } finally {
    entry.users -= 1;
    if (entry.users === 0) {
      shared.delete(key);
      const closed = entry.remote.close().finally(() => closing.delete(key));
      closing.set(key, closed);
      await closed;
    }
  }
}

/** Step events of src/machines/server as progress lines of the resource. */
export function progressOf({ progress, signal }: Operation) {
  return {
    signal,
    onStep: ({ step, at, of, state }: { step: string; at: number; of: number; state: string }) => {
      if (state === "running") progress(`${at}/${of} ${step}`);
    },
  };
}

/** Codes of failures that say nothing about the server's state, only that it could not be asked. */
const UNREACHABLE = /^E_(SSH_|REMOTE_TIMEOUT)/;

export function isUnreachable(error: unknown): error is TandemError {
  return error instanceof TandemError && UNREACHABLE.test(error.code);
}

const PROBE_MS = 1_500;

/**
 * Warns when nothing answers at a server's SSH port. An update that has nothing to do on a server would not notice that
 * it is dead, and would end with "unchanged".
 */
export async function warnIfDead({ name, address, access }: Server, operation: Operation): Promise<void> {
  const why = await new Promise<string | undefined>((resolve) => {
    const socket = connect({ host: address, port: access.port, timeout: PROBE_MS });
    const end = (answer?: string) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end());
    socket.once("timeout", () => end(`no answer within ${PROBE_MS / 1000} s`));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
  if (why !== undefined) {
    operation.warn(`${name} (${address}) does not answer on port ${access.port}: ${why}; nothing was changed on it`);
  }
}
