/** What a piece of text is, for a terminal that shows colours. */
export type Role = "heading" | "name" | "good" | "warning" | "quiet";

/** Colours a piece of text, or leaves it alone. Nothing may be said by colour only. */
export type Paint = (role: Role, text: string) => string;

export const plainPaint: Paint = (_role, text) => text;

const CODES: Record<Role, [number, number]> = {
  heading: [1, 22],
  name: [36, 39],
  good: [32, 39],
  warning: [33, 39],
  quiet: [2, 22],
};

export const colourPaint: Paint = (role, text) => {
  const [on, off] = CODES[role];
  return text === "" ? "" : `\u001b[${on}m${text}\u001b[${off}m`;
};
