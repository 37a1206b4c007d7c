import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { INLINE } from "../../report/html/dashboard/shell.ts";

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The page's own style and script by their hashes, events and forms of this server; nothing else, from nowhere. */
export const POLICY = [
  "default-src 'none'",
  `style-src ${hash(INLINE.style)}`,
  `script-src ${hash(INLINE.script)}`,
  "connect-src 'self'",
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // Not `no-referrer`: with it browsers say of our own forms that they come from nowhere.
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const;

type More = Record<string, string>;

export function sendPage(response: ServerResponse, status: number, html: string, more: More = {}): void {
  response.writeHead(status, { ...HEADERS, "content-type": "text/html; charset=utf-8", ...more }).end(html);
}

export function sendJson(response: ServerResponse, status: number, value: unknown, more: More = {}): void {
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(status, { ...HEADERS, "content-type": "application/json", ...more }).end(text);
}

/** After a form: the browser gets the page anew, and a reload sends nothing twice. */
export function sendOn(response: ServerResponse, to: string, more: More = {}): void {
  response.writeHead(303, { ...HEADERS, location: to, ...more }).end();
}

export function openEvents(response: ServerResponse): void {
  response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream", "x-accel-buffering": "no" });
}
