import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** What the eye should find first. The text is the same without colours, for pipes and for NO_COLOR. */
const STYLES: readonly (readonly [RegExp, Style])[] = [
  [/\bPASSED$/gm, ["bold", "green"]],
  [/\bFAILED$/gm, ["bold", "red"]],
  [/(?<=^ *\d+\.\d s {2}\S+ )[A-Z ]+$/gm, ["bold", "red"]],
  [/^AFTER THE FAULT .*$/gm, "dim"],
  [/(?<=^ {10})\S.*$/gm, "dim"],
  [/↑.*$/gm, "red"],
];

/** Colours for a terminal; leaves the text as it is where there is none. */
export function paint(text: string): string {
  return STYLES.reduce((painted, [pattern, style]) => {
    return painted.replace(pattern, (found) => styleText(style, found, { stream: process.stdout }));
  }, text);
}
