import { createHash, timingSafeEqual } from "node:crypto";

/** Does an `Authorization` header carry one of the tokens? Compared by digest, so the time says nothing about any of them. */
export function bearerMatches(header: string | undefined, tokens: readonly string[]): boolean {
  const given = /^bearer +(\S+)$/i.exec(header ?? "")?.[1];
  if (given === undefined) return false;
  const digest = sha256(given);
  let matches = false;
  // No early end: the number of comparisons is the same for every answer.
  for (const token of tokens) if (timingSafeEqual(digest, sha256(token)) && token !== "") matches = true;
  return matches;
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
