const PATTERNS: readonly [RegExp, string][] = [
  // Bootstrap tokens as kubeadm prints them.
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, "[bootstrap token]"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[private key]"],
  [/\b(client-key-data|token|certificate-key|password): \S+/g, "$1: [redacted]"],
];

/** Removes what must never be printed from the output of a server: the given secrets and everything that looks like one. */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) if (secret.length >= 4) clean = clean.replaceAll(secret, "[redacted]");
  for (const [pattern, word] of PATTERNS) clean = clean.replace(pattern, word);
  return clean;
}
