import { timingSafeEqual } from "node:crypto";

/** How an endpoint is protected (srt/utils/auth.py:82-149). */
export type AuthLevel = "normal" | "admin-optional";

export interface Keys {
  apiKey: string | null;
  adminApiKey: string | null;
}

/** True if a request may pass. Probes and metrics are exempt by prefix; /ping, /v1/models and /server_info are not. */
export function mayPass(
  keys: Keys,
  request: { method: string; path: string; authorization: string | undefined },
  level: AuthLevel,
): boolean {
  if (request.method === "OPTIONS") return true;
  if (["/health", "/ready", "/metrics"].some((prefix) => request.path.startsWith(prefix))) return true;
  const key = level === "normal" ? keys.apiKey : (keys.adminApiKey ?? keys.apiKey);
  return key === null || key === "" || bearerIs(request.authorization, key);
}

function bearerIs(header: string | undefined, key: string): boolean {
  const [scheme = "", ...rest] = (header ?? "").split(" ");
  const given = Buffer.from(rest.join(" "));
  const wanted = Buffer.from(key);
  return scheme.toLowerCase() === "bearer" && given.length === wanted.length && timingSafeEqual(given, wanted);
}
