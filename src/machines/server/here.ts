import { hostname } from "node:os";
import { execa } from "execa";
import type { Remote } from "./remote.ts";
import { remoteFailure } from "./remote-failure.ts";

/** Runs the scripts of a preflight on this very machine, in the place of a {@link Remote}. */
export function here(): Pick<Remote, "run"> & { target: { name: string } } {
  const name = hostname();
  return {
    target: { name },
    run: async (script, { step, values = {}, timeoutMs = 60_000, signal } = {}) => {
      const { exitCode, stdout, stderr } = await execa("bash", ["-euo", "pipefail", "-c", script], {
        env: { ...values, LC_ALL: "C" },
        reject: false,
        timeout: timeoutMs,
        ...(signal ? { cancelSignal: signal } : {}),
      });
      if (exitCode === 0) return `${stdout}\n`;
      const target = { name, address: "localhost", port: 22, user: "this user", identityFile: "", knownHosts: "" };
      throw remoteFailure({ target, resume: "tandem doctor" }, step ? { step } : {}, exitCode ?? 1, stderr);
    },
  };
}
