import { asText } from "../markup.ts";
import { STYLE } from "../style.ts";
import { DASHBOARD_SCRIPT } from "./script.ts";
import { DASHBOARD_STYLE } from "./style.ts";

/** What stands in the page itself; the server's Content-Security-Policy lets pass these two and nothing else. */
export const INLINE = { style: STYLE + DASHBOARD_STYLE, script: DASHBOARD_SCRIPT } as const;

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect x='1' y='3' width='6' height='10' rx='1' fill='%230b5cad'/%3E%3Crect x='9' y='3' width='6' height='10' rx='1' fill='%231f6b2c'/%3E%3C/svg%3E";

export interface Shell {
  title: string;
  /** Markup beside the title: what can be done from here. */
  nav: string;
  main: string;
  footer: string;
  /** Whether it follows the server's events. */
  isLive: boolean;
}

/** A page of the dashboard, whole by itself. */
export function shellOf({ title, nav, main, footer, isLive }: Shell): string {
  return `${[
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<link rel="icon" href="${ICON}">`,
    `<title>${asText(title)}</title>`,
    `<style>${INLINE.style}</style>`,
    "</head>",
    "<body>",
    '<a class="skip" href="#main">To the state</a>',
    `<header class="top"><h1>${asText(title)}</h1>${isLive ? '<span id="link">not live: this page needs JavaScript for that</span>' : ""}${nav}</header>`,
    `<main id="main" tabindex="-1">${main}</main>`,
    `<footer class="quiet"><p>${asText(footer)}</p></footer>`,
    ...(isLive ? [`<script>${INLINE.script}</script>`] : []),
    "</body>",
    "</html>",
  ].join("\n")}\n`;
}
