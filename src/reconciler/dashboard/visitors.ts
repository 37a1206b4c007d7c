import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { ApiKeys } from "../../stream/api-keys.ts";

const KeysSchema = z.array(
  z.strictObject({
    name: z.string().regex(/^[\w.@-]{1,60}$/),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, "want the SHA-256 of the key, 64 hex digits"),
    role: z.enum(["operator", "viewer"]),
  }),
);
export type DashboardKey = z.infer<typeof KeysSchema>[number];

/** Somebody who has shown a key. */
export interface KnownVisitor {
  name: string;
  role: DashboardKey["role"];
  /** Of the session, for its forms; null for one who shows the key with every request, which no other page can make a browser do. */
  csrf: string | null;
}

/** A working day with room: who is on call logs in once. */
export const SESSION_MS = 12 * 3_600_000;

export interface VisitorsOptions {
  /** JSON of the keys by name, hash and role; asked each time, so that a key can be taken back while this runs. */
  keys(): string;
  /** A secret that every replica has: a session begun at one goes on at the other, and ends when the secret changes. */
  secret(): string;
}

/** Who may come in. Keys are known by their hash; a session is a signed cookie, so that no replica has to remember it. */
export class Visitors {
  readonly #options: VisitorsOptions;

  constructor(options: VisitorsOptions) {
    this.#options = options;
  }

  /** By the key in an `Authorization: Bearer` header; null if it is none of ours. */
  byKey(authorization: string | undefined): KnownVisitor | null {
    const keys = this.#keys();
    const name = new ApiKeys(keys).nameOf(authorization);
    const key = keys.find((one) => one.name === name);
    return key === undefined ? null : { name: key.name, role: key.role, csrf: null };
  }

  /** What the cookie of a new session is. */
  begin({ name }: Pick<KnownVisitor, "name">, wallMs: number): string {
    const key = this.#keys().find((one) => one.name === name);
    const said = [name, key?.sha256.slice(0, 16) ?? "", String(wallMs + SESSION_MS)].join(":");
    const body = Buffer.from(said).toString("base64url");
    return `${body}.${this.#sign("session", body)}`;
  }

  /** By the cookie of a session: signed by us, not over, and its key still among ours. */
  bySession(cookie: string | undefined, wallMs: number): KnownVisitor | null {
    const [body = "", signature = ""] = (cookie ?? "").split(".", 2);
    if (!isSame(signature, this.#sign("session", body))) return null;
    const [name, hash, until] = Buffer.from(body, "base64url").toString("utf8").split(":");
    if (!(Number(until) > wallMs)) return null;
    const key = this.#keys().find((one) => one.name === name && one.sha256.slice(0, 16) === hash);
    return key === undefined ? null : { name: key.name, role: key.role, csrf: this.#sign("form", body) };
  }

  #keys(): DashboardKey[] {
    return KeysSchema.parse(JSON.parse(this.#options.keys()));
  }

  #sign(purpose: "session" | "form", text: string): string {
    const key = createHmac("sha256", this.#options.secret()).update("tandem dashboard").digest();
    return createHmac("sha256", key).update(`${purpose} ${text}`).digest("base64url");
  }
}

/** Whether a form is of the session that sends it. */
export function isOwnForm({ csrf }: KnownVisitor, given: string | undefined): boolean {
  return csrf === null || isSame(given ?? "", csrf);
}

function isSame(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
