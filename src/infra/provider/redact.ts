import { at, type Decoded, isObject, type Plain } from "../wire/value.ts";

// A shorter secret would blank out ordinary words, and protects nothing anyway.
const shortestSecret = 6;

/** A function that blanks every secret of the given properties out of a text that is about to be printed. */
export function redactor(...properties: readonly Decoded[]): (text: string) => string {
  const words = new Set<string>();
  for (const { value, secrets } of properties) {
    for (const path of secrets) collect(at(value, path), words);
  }
  // The longest first: a secret may contain another one.
  const ordered = [...words].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((rest, word) => rest.replaceAll(word, "[secret]"), text);
}

function collect(value: Plain | undefined, words: Set<string>): void {
  if (typeof value === "string" && value.length >= shortestSecret) {
    words.add(value);
    // A kubeconfig or key is quoted in errors line by line.
    for (const line of value.split("\n")) if (line.trim().length >= 16) words.add(line.trim());
  } else if (Array.isArray(value)) for (const item of value) collect(item, words);
  else if (isObject(value)) for (const item of Object.values(value)) collect(item, words);
}
