import { createHash } from "node:crypto";
import { pino } from "pino";
import { type ServedDashboard, serveDashboard } from "../../src/reconciler/dashboard/serve.ts";
import type { DashboardKey } from "../../src/reconciler/dashboard/visitors.ts";
import type { Reconciler } from "../../src/reconciler/reconciler.ts";
import type { TlsFiles } from "../../src/stream/tls.ts";

export const OPERATOR = "dash-operator-key-0123456789";
export const VIEWER = "dash-viewer-key-0123456789";
export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** Keys that a test may take back while the page is served. */
export function keysOf(): DashboardKey[] {
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  return [
    { name: "operator", sha256: hash(OPERATOR), role: "operator" },
    { name: "viewer", sha256: hash(VIEWER), role: "viewer" },
  ];
}

/** The page of a replica, on a free port of loopback. */
export function servePage(
  reconciler: Reconciler,
  keys: () => DashboardKey[],
  tls?: TlsFiles,
): Promise<ServedDashboard> {
  return serveDashboard({
    listen: { host: "127.0.0.1", port: 0 },
    keys: () => JSON.stringify(keys()),
    secret: () => "admin",
    tls,
    ...reconciler.board,
    log: pino({ level: process.env.TANDEM_LOG_LEVEL ?? "silent" }),
  });
}

/** Logs in as a browser does; returns the cookie. */
export async function login(url: string, key: string): Promise<string> {
  const response = await fetch(`${url}/login`, {
    method: "POST",
    body: new URLSearchParams({ key }),
    redirect: "manual",
  });
  const cookie = response.headers.get("set-cookie");
  if (response.status !== 303 || cookie === null) throw new Error(`login answered ${response.status}`);
  return cookie.split(";")[0] ?? "";
}

/** The token that the forms of a session carry. */
export async function csrfOf(url: string, cookie: string): Promise<string> {
  const html = await (await fetch(`${url}/`, { headers: { cookie } })).text();
  return /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? "";
}
