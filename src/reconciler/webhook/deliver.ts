import { readFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "../../http-request.ts";

const TIMEOUT_MS = 10_000;

/** What is told: a person is needed, or is not any more. `dedupeKey` is the same for the same trouble, also from another replica. */
export interface Page {
  version: 1;
  action: "trigger" | "resolve";
  dedupeKey: string;
  stack: string;
  namespace: string;
  /** Of the decision, e.g. `no-intact-group`. */
  reason: string;
  detail: string;
  /** What the person can do. */
  fix: string;
  active: string;
  epoch: number;
  /** ISO 8601, since when. */
  since: string;
}

/** `taken`: whoever listens has it. `again`: later it may. `refused`: it will not take this as it is. */
export type Delivery = { kind: "taken" } | { kind: "again" | "refused"; why: string };

/**
 * Posts one page. The address is a secret (it holds a key with most pagers), so it is read from a file at each try, is never
 * logged, and nothing that the other side answers is passed on.
 */
export async function deliver(folder: string, page: Page, signal: AbortSignal): Promise<Delivery> {
  let url: URL;
  let authorization: string | null;
  try {
    url = new URL(readFileSync(join(folder, "url"), "utf8").trim());
    authorization = optional(join(folder, "authorization"));
  } catch (error) {
    return {
      kind: "again",
      why: `the webhook's address cannot be read: ${(error as NodeJS.ErrnoException).code ?? "it is no URL"}`,
    };
  }
  try {
    const { statusCode, body } = await request(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": `${page.dedupeKey} ${page.action} ${page.since}`,
        ...(authorization === null ? {} : { authorization }),
      },
      body: JSON.stringify(page),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      signal,
    });
    await body.dump();
    if (statusCode >= 200 && statusCode < 300) return { kind: "taken" };
    const passes = statusCode >= 500 || statusCode === 408 || statusCode === 429;
    return { kind: passes ? "again" : "refused", why: `the webhook answers ${statusCode}` };
  } catch (error) {
    return {
      kind: "again",
      why: `the webhook does not answer: ${(error as NodeJS.ErrnoException).code ?? (error as Error).name}`,
    };
  }
}

function optional(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
