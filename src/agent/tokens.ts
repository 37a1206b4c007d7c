import { readFileSync, statSync } from "node:fs";

/** Looked at no more often than this, whoever asks: a stranger who tries tokens must not make us read files. */
const FRESH_MS = 1_000;

/**
 * The tokens that open the stream, from a file that may be replaced while the agent runs (a mounted Secret is). A file
 * that is away for a moment leaves the last ones in force.
 */
export function tokenSource(path: string | undefined, token: string | undefined): () => readonly string[] {
  const own = token === undefined ? [] : [token];
  if (path === undefined) return () => own;
  let tokens: readonly string[] = own;
  let version = "";
  let lookedMs = Number.NEGATIVE_INFINITY;
  const look = () => {
    lookedMs = performance.now();
    const { mtimeMs, ino, size } = statSync(path);
    if (version === `${mtimeMs} ${ino} ${size}`) return;
    version = `${mtimeMs} ${ino} ${size}`;
    const lines = readFileSync(path, "utf8").split("\n");
    tokens = [...own, ...lines.map((line) => line.trim()).filter((line) => line.length >= 16)];
  };
  return () => {
    try {
      if (performance.now() - lookedMs > FRESH_MS) look();
    } catch {}
    return tokens;
  };
}
