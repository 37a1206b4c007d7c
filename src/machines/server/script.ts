import { readFileSync } from "node:fs";
import type { Remote, RunOptions } from "./remote.ts";
import type { Step } from "./step.ts";

const cache = new Map<string, string>();

/** The text of `scripts/<name>.sh`. Scripts are files so that an editor and `bash -n` can read them. */
export function script(name: string): string {
  let text = cache.get(name);
  if (text === undefined) {
    text = readFileSync(new URL(`./scripts/${name}.sh`, import.meta.url), "utf8");
    cache.set(name, text);
  }
  return text;
}

// Two runs that change one server at once (an old one that lost its network, say) would undo each other.
const LOCK = `exec 9>/run/tandem.lock; flock -w 60 9 || { echo "another run is changing this server" >&2; exit 75; }\n`;

/** A script that changes the server: one at a time per server, with the functions of `scripts/lib.sh`. */
export function changing(body: string): string {
  return `${LOCK}${script("lib")}${body}`;
}

export interface ScriptStep extends Pick<RunOptions, "values" | "timeoutMs" | "secrets"> {
  name: string;
  check: string;
  checkInput?: string;
  act: string;
  input?: RunOptions["input"];
  verify?: string;
}

/** A step whose three parts are scripts on the server. */
export function scriptStep(remote: Remote, step: ScriptStep): Step {
  const { name, check, act, verify = check, checkInput = "", input = "", ...options } = step;
  const common = (signal: AbortSignal | undefined) => ({ step: name, ...options, ...(signal ? { signal } : {}) });
  return {
    name,
    check: (signal) => remote.test(check, { ...common(signal), input: checkInput }),
    act: async (signal) => {
      await remote.run(changing(act), { ...common(signal), input });
    },
    verify: (signal) => remote.test(verify, { ...common(signal), input: checkInput }),
  };
}
