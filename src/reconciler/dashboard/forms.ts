import type { IncomingMessage } from "node:http";

const MAX_BYTES = 8_192;

/** A form of the page, or JSON with texts; null for anything else, and for more than a form can be. */
export async function readForm(request: IncomingMessage): Promise<Record<string, string> | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BYTES) return null;
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString("utf8");
  const type = request.headers["content-type"]?.split(";")[0]?.trim();
  if (type === "application/x-www-form-urlencoded") return Object.fromEntries(new URLSearchParams(text));
  if (type !== "application/json") return null;
  try {
    const value: unknown = JSON.parse(text);
    const isForm =
      typeof value === "object" && value !== null && Object.values(value).every((one) => typeof one === "string");
    return isForm ? (value as Record<string, string>) : null;
  } catch {
    return null;
  }
}

/** Whether a browser says that another page sends this. One that says nothing shows a token that only our page has. */
export function isFromElsewhere({ headers }: IncomingMessage): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site !== "same-origin";
  const { origin, host } = headers;
  if (origin === undefined) return false;
  try {
    return new URL(origin).host !== host;
  } catch {
    return true;
  }
}

/** The value of a cookie. */
export function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  for (const part of (headers.cookie ?? "").split(";")) {
    const [key, value] = part.trim().split("=", 2);
    if (key === name) return value;
  }
  return undefined;
}
