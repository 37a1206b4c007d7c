import type { Logger } from "pino";
import type { KubeClient } from "../../kube/client.ts";
import { drillName, recordId } from "../../manifests/drill/resource.ts";
import type { ModelService, ModelServiceRequest } from "../../manifests/model-service/resource.ts";
import type { DrillNote } from "../../report/dashboard/sources.ts";
import { SWITCHOVER_BUDGETS, type SwitchoverFacts, switchoverReport } from "../../report/switchover-record.ts";
import type { RecordStore } from "../records/record-store.ts";
import { type AskedSwitchover, askSwitchover } from "./ask.ts";
import type { Feed } from "./feed.ts";

/** Time beyond the budgets: what came too late is told as late, not as never. */
const ROOM_MS = 60_000;

export interface DrillRunnerParts {
  client: KubeClient;
  path: string;
  store: RecordStore;
  feed: Feed;
  service(): ModelService | Error;
  drills(): readonly DrillNote[];
  log: Logger;
}

/**
 * Runs a switchover as a drill: a record that says so is made first, so that the move is the drill's. Whatever ends this process
 * meanwhile, the reconciler that leads closes the record when its time is over.
 */
export class DrillRunner {
  readonly #parts: DrillRunnerParts;
  readonly #end = new AbortController();

  constructor(parts: DrillRunnerParts) {
    this.#parts = parts;
  }

  /** The drill that runs, of whomever; the record of a real failover that is not closed yet is none. */
  running(): DrillNote | null {
    return this.#parts.drills().find(({ result, scenario }) => result === null && scenario !== "failover") ?? null;
  }

  /** @throws NotAsked where it would be refused; nothing is left then but a record that says so */
  async begin(asked: AskedSwitchover): Promise<string> {
    const { client, path, store, log } = this.#parts;
    const known = this.#service();
    const startedAt = new Date();
    const id = recordId(startedAt.toISOString(), "switchover");
    const name = drillName(id);
    const limitMs = SWITCHOVER_BUDGETS["redundant again"] * 1000 + ROOM_MS;
    const until = new Date(startedAt.getTime() + limitMs).toISOString();
    const { by } = asked;
    const service = known.metadata.name;
    const spec = {
      service,
      kind: "drill" as const,
      scenario: "switchover",
      by,
      startedAt: startedAt.toISOString(),
      until,
    };
    await store.create(name, { spec });
    const from = known.status?.active ?? "";
    const facts = {
      id,
      stack: service,
      model: known.spec.model,
      from,
      to: asked.target,
      by,
      versions: versionsOf(known),
    };
    try {
      const request = await askSwitchover(client, path, asked);
      void this.#measure(name, request, { ...facts, askedMs: Date.parse(request.at) }, limitMs);
    } catch (error) {
      const note = `it was not begun: ${(error as Error).message}`;
      const status = {
        result: "Aborted" as const,
        summary: JSON.stringify({ note }),
        endedAt: new Date().toISOString(),
      };
      await store.end(name, status).catch((problem) => log.warn({ error: String(problem) }, "a record was not closed"));
      throw error;
    }
    return name;
  }

  close(): void {
    this.#end.abort();
  }

  async #measure(
    name: string,
    request: ModelServiceRequest,
    facts: Omit<SwitchoverFacts, "movedMs" | "redundantMs" | "refused">,
    limitMs: number,
  ): Promise<void> {
    const { store, log } = this.#parts;
    const seen: Pick<SwitchoverFacts, "movedMs" | "redundantMs" | "refused"> = {
      movedMs: null,
      redundantMs: null,
      refused: null,
    };
    await this.#until(() => this.#isOver(request, facts, seen), limitMs);
    if (this.#end.signal.aborted) return;
    const report = switchoverReport({ ...facts, ...seen });
    const result = report.passed ? ("Passed" as const) : ("Failed" as const);
    const status = { result, summary: JSON.stringify(report), endedAt: new Date().toISOString() };
    await store.end(name, status).catch((error) => log.warn({ error: String(error) }, "a record was not closed"));
    log.info({ name, result, failures: report.failures }, "the drill is over");
  }

  /** Notes what is so by now; true when nothing more is to come. */
  #isOver(
    { id }: ModelServiceRequest,
    { to }: Pick<SwitchoverFacts, "to">,
    seen: Pick<SwitchoverFacts, "movedMs" | "redundantMs" | "refused">,
  ): boolean {
    const { feed } = this.#parts;
    const { gateways, groups, takeover, answered } = feed.dashboard();
    const all = gateways.length > 0 && gateways.every(({ uses }) => uses === to);
    if (all) seen.movedMs ??= Date.now();
    const handled = answered?.id === id ? answered : null;
    if (handled?.outcome === "refused") seen.refused = handled.detail;
    // What was proved of the other group, when that stood by, says nothing of this one.
    const isProved =
      takeover.ready && takeover.rungs.every(({ provenAt }) => Date.parse(provenAt ?? "") > Number(seen.movedMs));
    const stands = groups.every(({ run }) => run === "serving") && isProved;
    if (seen.movedMs !== null && handled?.outcome === "done" && stands) seen.redundantMs ??= Date.now();
    return seen.refused !== null || seen.redundantMs !== null;
  }

  /** Looks after every change, until it is so or the time is over. */
  async #until(isOver: () => boolean, limitMs: number): Promise<void> {
    const { signal } = this.#end;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        unwatch();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, limitMs);
      const unwatch = this.#parts.feed.watch(() => isOver() && end());
      signal.addEventListener("abort", end, { once: true });
    });
  }

  #service(): ModelService {
    const known = this.#parts.service();
    if (known instanceof Error) throw known;
    return known;
  }
}

function versionsOf({ spec: { revision } }: ModelService): Record<string, string> {
  return { node: process.version, revision };
}
