import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { replaceFile } from "../../machines/replace-file.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { withoutServer } from "../../spec/without-server.ts";
import { interrupted } from "../interrupted.ts";
import type { ServiceAccess } from "./access.ts";
import type { Outcome } from "./ask.ts";
import { type RequestOptions, refused, request } from "./command.ts";
import { followService, readService } from "./follow.ts";

export interface RemoveOptions extends RequestOptions {
  /** Of the spec. */
  file: string;
}

/**
 * Takes a server out for good, as far as a command may: it is drained, a spare takes its place, and the spec names it no more.
 * What the spec would lack is found out before anything is done. Interrupted, it can be run again.
 *
 * @returns the outcome of the drain where that is not done; null once the spec is written
 * @throws TandemError `E_REFUSED`; the spec is as it was
 */
export async function removeServer(
  access: ServiceAccess,
  name: string,
  options: RemoveOptions,
): Promise<Outcome | null> {
  const file = resolve(options.file);
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw keep(name, error.message, "name the spec of this stack with --spec");
  });
  const service = await readService(access);
  const members = membersOf(service);
  const spare = spareFor(service, name);
  const without = (of: Record<string, string[]>) => {
    const removal = withoutServer(text, options.file, name, of);
    if (!removal.ok) throw keep(name, removal.why, removal.fix);
    return removal.text;
  };
  // As it will be, with any spare: what stands against it does so before the server is touched.
  without(mapped(members, (names) => (spare === undefined ? names : names.map((one) => (one === name ? spare : one)))));
  const outcome = await request(access, options, { kind: "drain", target: name, check: () => {} });
  if (outcome.outcome !== "done") return outcome;
  const limit = AbortSignal.any([interrupted(), AbortSignal.timeout(options.timeout * 1000)]);
  for await (const now of followService(access, limit)) {
    if (Object.values(membersOf(now)).some((names) => names.includes(name))) continue;
    await replaceFile(file, without(membersOf(now)));
    return null;
  }
  return { ...outcome, outcome: "unknown", detail: `${name} is drained, and no spare has taken its place yet` };
}

function membersOf({ spec, status }: ModelService): Record<string, string[]> {
  const groups = status?.groups ?? spec.groups;
  return Object.fromEntries(groups.map(({ id, servers }) => [id, [...servers]]));
}

/** A server of no group that nothing keeps from taking the place of another. */
function spareFor(service: ModelService, name: string): string | undefined {
  const placed = Object.values(membersOf(service)).flat();
  const free = Object.keys(service.spec.servers).filter((one) => one !== name && !placed.includes(one));
  return free.find((one) => service.status?.servers.find((server) => server.name === one)?.quarantine === undefined);
}

function mapped(members: Record<string, string[]>, map: (names: string[]) => string[]): Record<string, string[]> {
  return Object.fromEntries(Object.entries(members).map(([id, names]) => [id, map(names)]));
}

const keep = (name: string, why: string, fix: string) => refused(`${name} stays in the stack`, why, fix);
