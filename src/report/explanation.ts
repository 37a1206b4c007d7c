import { wrap } from "./wrap.ts";

/** What `tandem explain` says: once for a person, 80 columns wide, and once for a program. */
export interface Explanation {
  text: string;
  data: object;
}

/** A title and labelled paragraphs; those without text are left out. */
export function explanation(
  title: string,
  paragraphs: Readonly<Record<string, string | readonly string[] | undefined>>,
  data: object,
): Explanation {
  const lines = Object.entries(paragraphs).flatMap(([label, text]) =>
    [text ?? []].flat().flatMap((one, at) => wrap(one, (at === 0 ? label : "").padEnd(9))),
  );
  return { text: `${wrap(title).join("\n")}\n\n${lines.join("\n")}\n`, data };
}
