import { createHash } from "node:crypto";
import type { Remote } from "./remote.ts";
import { scriptStep } from "./script.ts";
import type { Step } from "./step.ts";

export interface NodeFile {
  path: string;
  /** Octal without a leading zero, as `stat -c %a` prints it; default 644. */
  mode?: string;
  content: string;
}

// Reads `mode sha256 path [base64]` lines.
const CHECK = `
while read -r mode sha256 path _; do
  [ -f "$path" ] && [ "$(stat -c %a -- "$path")" = "$mode" ] && [ "$(sha256sum < "$path")" = "$sha256  -" ] || exit 1
done`;

// A file that is right keeps its time stamp; one that is wrong is replaced in one move.
const WRITE = `
while read -r mode sha256 path content; do
  if [ -f "$path" ] && [ "$(stat -c %a -- "$path")" = "$mode" ] && [ "$(sha256sum < "$path")" = "$sha256  -" ]; then continue; fi
  own_file "$path"
  base64 -d <<< "$content" > "$path.tandem"
  chmod "$mode" "$path.tandem"
  mv -f -- "$path.tandem" "$path"
done
`;

/**
 * A step that is done when all files are as given, what comes after them was done, and (`also`) a further check succeeds. A mark
 * says that the files are being changed: a program that still runs with what was there before looks just like one that was
 * started anew, and a run that was killed in between would be believed.
 *
 * @param after runs when something was not as it should be: reload, restart
 */
export function filesStep(
  remote: Remote,
  name: string,
  files: readonly NodeFile[],
  { also = "", after = "", timeoutMs = 60_000 }: { also?: string; after?: string; timeoutMs?: number } = {},
): Step {
  const lines = files.map(({ path, mode = "644", content }) => ({
    check: `${mode} ${createHash("sha256").update(content).digest("hex")} ${path}`,
    content: Buffer.from(content).toString("base64"),
  }));
  const mark = `/var/lib/tandem/unfinished-${createHash("sha256").update(name).digest("hex").slice(0, 12)}`;
  return scriptStep(remote, {
    name,
    check: `[ ! -e ${mark} ] || exit 1\n${CHECK}\n${also}`,
    checkInput: lines.map(({ check }) => `${check}\n`).join(""),
    act: `own_folder /var/lib/tandem; : > ${mark}\n${WRITE}\n${after}\nrm -f ${mark}`,
    input: lines.map(({ check, content }) => `${check} ${content}\n`).join(""),
    timeoutMs,
  });
}
