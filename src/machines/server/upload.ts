import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { TandemError } from "../../errors.ts";
import { fileInput, type Remote } from "./remote.ts";

export interface UploadOptions {
  /** What the file must hash to; worked out from the local file if left out. */
  sha256?: string;
  /** Octal, default 0644. */
  mode?: string;
  signal?: AbortSignal;
  onProgress?: (sentBytes: number, totalBytes: number) => void;
}

const hashes = new Map<string, string>();

/** SHA-256 of a local file, worked out once per process for each state of the file. */
export async function sha256File(path: string): Promise<string> {
  const { size, mtimeMs, ino } = await stat(path);
  const key = [path, size, mtimeMs, ino].join(" ");
  const known = hashes.get(key);
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  const sum = hash.digest("hex");
  hashes.set(key, sum);
  return sum;
}

const PRESENT = `[ -f "$to" ] && [ "$(sha256sum < "$to")" = "$sha256  -" ]`;

// The file appears under its own name only when it is whole and checked.
const RECEIVE = `
mkdir -p -- "$(dirname -- "$to")"
part=$to.part.$$
trap 'rm -f -- "$part"' EXIT
cat > "$part"
if [ "$(sha256sum < "$part")" != "$sha256  -" ]; then echo "checksum mismatch: got $(sha256sum < "$part")" >&2; exit 65; fi
chmod -- "$mode" "$part"
mv -f -- "$part" "$to"`;

/**
 * Copies a file to a server, unless a file with the same SHA-256 is already there.
 *
 * @throws E_UPLOAD_CHECKSUM if what arrived is not what was meant; nothing is left on the server then
 */
export async function upload(
  remote: Remote,
  from: string,
  to: string,
  { sha256, mode = "0644", signal, onProgress }: UploadOptions = {},
): Promise<"sent" | "present"> {
  const wanted = sha256 ?? (await sha256File(from));
  const values = { to, mode, sha256: wanted };
  const common = { step: `upload ${to}`, values, ...(signal ? { signal } : {}) };
  if (await remote.test(PRESENT, common)) return "present";
  const { size } = await stat(from);
  let sent = 0;
  const input = fileInput(from, size, (bytes) => {
    sent += bytes;
    onProgress?.(sent, size);
  });
  try {
    // 2 MB/s is a poor network; below that something is wrong.
    await remote.run(RECEIVE, { ...common, input: input ?? "", timeoutMs: 120_000 + size / 2_000 });
  } catch (error) {
    if (error instanceof TandemError && error.why.includes("checksum mismatch")) {
      throw new TandemError({
        code: "E_UPLOAD_CHECKSUM",
        what: `${remote.target.name}: ${to} was not installed`,
        why: `the file that arrived has another SHA-256 than ${wanted}`,
        fix: `check ${from} (sha256sum), remove it from the cache so that it is made again, and run \`${remote.resume}\``,
      });
    }
    throw error;
  }
  return "sent";
}
