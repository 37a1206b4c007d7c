import { asText, paragraphs } from "./markup.ts";
import { STYLE } from "./style.ts";

export interface Page {
  title: string;
  /** Paragraphs under the title, as text. */
  lead: readonly string[];
  /** Sections, as markup; empty ones are left out. */
  main: readonly string[];
  footer: string;
}

/** A whole page by itself: no script, no font, no picture from elsewhere, which its own policy would refuse. */
export function pageOf({ title, lead, main, footer }: Page): string {
  return `${[
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${asText(title)}</title>`,
    `<style>${STYLE}</style>`,
    "</head>",
    "<body>",
    "<header>",
    `<h1>${asText(title)}</h1>`,
    paragraphs(...lead),
    "</header>",
    "<main>",
    ...main.filter((part) => part !== ""),
    "</main>",
    `<footer>${paragraphs(footer)}</footer>`,
    "</body>",
    "</html>",
  ].join("\n")}\n`;
}
