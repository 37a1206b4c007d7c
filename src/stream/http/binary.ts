/**
 * On the data path text stays in the form in which it came: UTF-8 bytes seen as one-byte characters, JSON escapes left in.
 * Searching, cutting and writing such strings copies bytes and decodes nothing.
 */
export function toBinary(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

export function fromBinary(binary: string): string {
  return Buffer.from(binary, "latin1").toString("utf8");
}

/** The place of the quote that ends the JSON string which starts at `from` (after its opening quote); -1 if it does not end. */
export function endOfString(binary: string, from: number): number {
  let quote = binary.indexOf('"', from);
  while (quote > from && isEscaped(binary, from, quote)) quote = binary.indexOf('"', quote + 1);
  return quote;
}

function isEscaped(binary: string, from: number, quote: number): boolean {
  let slashes = 0;
  while (quote - slashes - 1 >= from && binary.charCodeAt(quote - slashes - 1) === 92) slashes += 1;
  return slashes % 2 === 1;
}
