import { quoted } from "../../shell-word.ts";

/**
 * The program that runs on the server for each command: `bash -c WRAPPER tandem SCRIPT_BYTES INPUT_BYTES`. It reads that
 * many bytes of script and of input from the connection and runs the script on the input. From then on the connection's
 * end means "stop": when we abort, are killed with -9 or lose the network, everything the script started is ended, so
 * that the next run never meets a half-done one still at work. 255 is kept for ssh's own failures.
 */
const WRAPPER = `export LC_ALL=C KUBECACHEDIR=/run/tandem/kube PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
script=$(head -c "$1"; printf x); script=\${script%x}
exec 3<&0 </dev/null
stop() {
  trap "" TERM HUP
  exec 2>/dev/null
  kill -TERM -- "-$job"
  for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 -- "-$job" || break; sleep 0.2; done
  kill -KILL -- "-$job"
  exit 143
}
exec 4< <(exec 2>/dev/null; head -c "$2" <&3; exec >/dev/null; cat <&3; kill -TERM $$)
feeder=$!
set -m
bash -c "$script" tandem <&4 3<&- 4<&- &
job=$!
set +m
trap stop TERM HUP
exec 4<&-
wait "$job"; code=$?
kill -KILL "$feeder" 2>/dev/null
[ "$code" -lt 255 ] || code=254
exit "$code"`;

// Names the command that failed in its unexpanded form, so that no value of a variable gets into a message.
const PROLOGUE = `set -Eeuo pipefail; trap 'echo "tandem-at $LINENO \${BASH_COMMAND}" >&2' ERR; `;

export interface WrappedCommand {
  /** The remote command line for ssh: holds the wrapper and two numbers, never a script, an input or a value. */
  command: string;
  /** What is sent first on standard input; the input follows, and the stream stays open until the command ends. */
  script: Buffer;
}

/**
 * @param values become shell variables of the script. They show up in the server's process list: never secrets, which
 *   travel in the input.
 * @param sudo for any user but root
 */
export function wrapScript(
  script: string,
  values: Readonly<Record<string, string>>,
  inputBytes: number,
  sudo: boolean,
): WrappedCommand {
  const assignments = Object.entries(values).map(([name, value]) => `${name}=${quoted(value)}; `);
  const bytes = Buffer.from(`${PROLOGUE}${assignments.join("")}${script}\n`);
  return {
    command: `${sudo ? "sudo -n " : ""}bash -c ${quoted(WRAPPER)} tandem ${bytes.length} ${inputBytes}`,
    script: bytes,
  };
}

export interface FailedCommand {
  line: number;
  command: string;
}

/** Takes the marks of the ERR trap out of what a script wrote to stderr: the failed command, and the text without marks. */
export function readFailure(stderr: string): { failed: FailedCommand | undefined; text: string } {
  const lines = stderr.split("\n");
  const mark = lines.map((line) => /^tandem-at (\d+) (.*)$/.exec(line)).find((match) => match !== null);
  return {
    failed: mark ? { line: Number(mark[1]), command: (mark[2] ?? "").slice(0, 200) } : undefined,
    text: lines
      .filter((line) => !line.startsWith("tandem-at "))
      .join("\n")
      .trim(),
  };
}
