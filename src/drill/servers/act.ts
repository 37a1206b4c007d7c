import { PassThrough } from "node:stream";
import type { Remote } from "../../machines/server/remote.ts";
import type { Injected } from "../arena.ts";
import { monotonicMs } from "../clock.ts";
import { type ScriptName, scriptText } from "./scripts.ts";

const GO = "go\n";
/** Until everything is prepared: nvidia-smi alone may take seconds. */
const TIMEOUT_MS = 60_000;

/**
 * Lets a script do its deed at a moment that this computer's clock knows: it prepares everything, says that it is ready, and
 * does it when a line comes. The time is that of the line: what is measured from then on is too long by the way to the
 * server, and never too short.
 *
 * @param cutsOff the deed takes the way to the server away: then `done` resolves when the connection has ended, and how the
 *   script ended is not known
 * @throws TandemError with what the script said; what it had begun by then is for the caller to undo
 */
export async function act(
  remote: Remote,
  name: ScriptName,
  values: Record<string, string>,
  { cutsOff = false } = {},
): Promise<Injected> {
  const input = new PassThrough();
  const ready = Promise.withResolvers<string>();
  let output = "";
  const run = remote.run(scriptText(name), {
    step: `drill: ${name}`,
    values,
    input: { stream: input, bytes: GO.length },
    timeoutMs: TIMEOUT_MS,
    onOutput: (text) => {
      output += text;
      const said = /^ready (.*)\n/.exec(output)?.[1];
      if (said !== undefined) ready.resolve(said);
    },
  });
  run.then(() => ready.reject(new Error(`${name} ended without being ready`)), ready.reject);
  const what = await ready.promise;
  const atMs = monotonicMs();
  input.write(GO);
  if (cutsOff) return { atMs, what, done: run.catch(() => {}) };
  await run;
  return { atMs, what };
}
