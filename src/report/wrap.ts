/** The width that every report keeps to: it must read well in a mail, a ticket and half a screen. */
export const WIDTH = 80;

/**
 * Breaks a text at spaces so that no line is longer than `WIDTH`; a word that is longer stays whole. The first line
 * starts with `first`, the others with as many spaces, or with `rest`.
 */
export function wrap(text: string, first = "", rest: string = " ".repeat(first.length)): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(/\s+/).filter((word) => word !== "")) {
    if (!isEmpty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = rest;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
