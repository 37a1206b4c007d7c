/**
 * FNV-1a of a text, eight hex digits: enough to see that a configuration has changed, which is what an annotation of a
 * pod template is for. It proves nothing about where the text came from.
 */
export function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
