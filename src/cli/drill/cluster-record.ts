import { setTimeout as delay } from "node:timers/promises";
import type { RecordedPass } from "../../drill/record/replay-passes.ts";
import type { DrillOutcome } from "../../drill/scenarios/run-drill.ts";
import { TandemError } from "../../errors.ts";
import { isNotFound } from "../../kube/errors.ts";
import { packLines, unpackLines } from "../../kube/packed-lines.ts";
import {
  DRILL,
  DRILL_STATE,
  type Drill,
  type DrillState,
  type DrillStatus,
  drillName,
  MAX_RECORD_CHARS,
  recordId,
} from "../../manifests/drill/resource.ts";
import { STACK_LABEL } from "../../manifests/names.ts";
import type { ServiceAccess } from "../service/access.ts";
import { whoAsks } from "../service/write.ts";

const TIMEOUT_MS = 5_000;
/** Beside the time that servers may take to come back: no drill takes longer, so whoever began it has ended, or was killed. */
const AT_MOST_MS = 360_000;
/**
 * The reconciler adds its part with its next pass, of which there is one a second; where an API server was away it comes back
 * first.
 */
const PART_MS = 15_000;
const POLL_MS = 200;

/** What one drill leaves in the cluster: an object that says that it runs, and in the end what came of it. */
export class ClusterRecord {
  readonly #access: ServiceAccess;
  readonly #path: string;
  readonly #atMostMs: number;
  #name: string | null = null;

  /** @param patienceMs how long servers may take to come back */
  constructor(access: ServiceAccess, patienceMs: number) {
    this.#access = access;
    this.#atMostMs = AT_MOST_MS + patienceMs;
    this.#path = `/apis/tandem.dev/v1alpha1/namespaces/${access.namespace}/drills`;
  }

  /** @throws TandemError E_DRILL_RUNNING while another one runs, of whatever computer */
  async assertAlone(): Promise<void> {
    const query = { labelSelector: `${DRILL_STATE} in (running,ending)` };
    const { items } = await this.#access.client
      .json<{ items: Drill[] }>({ method: "GET", path: this.#path, query, timeoutMs: TIMEOUT_MS })
      .catch(noneKnown);
    const other = items.find(({ spec }) => spec.kind === "drill" && Date.parse(spec.until) > Date.now());
    if (other === undefined) return;
    const { scenario, by, startedAt, until } = other.spec;
    throw new TandemError({
      code: "E_DRILL_RUNNING",
      what: "the drill was not started",
      why: `${by} has been running the drill ${scenario} since ${startedAt}`,
      fix: `wait until it has ended; if its command was killed, the reconciler closes it at ${until}`,
    });
  }

  /** Before anything is done: from now on what moves traffic is this drill. */
  async begin(scenario: string, victim: string): Promise<string> {
    const { stack, client } = this.#access;
    const startedAt = new Date();
    const name = drillName(recordId(startedAt.toISOString(), scenario));
    const until = new Date(startedAt.getTime() + this.#atMostMs).toISOString();
    const spec = { service: stack, kind: "drill", scenario, victim, by: whoAsks(), startedAt: startedAt.toISOString() };
    const labels = { [DRILL_STATE]: "running", [STACK_LABEL]: stack };
    const body = { ...DRILL, metadata: { name, labels }, spec: { ...spec, until } };
    await client.json({ method: "POST", path: this.#path, body, timeoutMs: TIMEOUT_MS });
    this.#name = name;
    return name;
  }

  /** What the reconciler decided meanwhile; empty where none adds it. */
  async passes(): Promise<RecordedPass[]> {
    if (this.#name === null) return [];
    await this.#state("ending");
    for (const endMs = performance.now() + PART_MS; performance.now() < endMs; await delay(POLL_MS)) {
      const path = `${this.#path}/${this.#name}`;
      const { record } = await this.#access.client.json<Drill>({ method: "GET", path, timeoutMs: TIMEOUT_MS });
      if (record?.reconciler !== undefined) return unpackLines<RecordedPass>(record.reconciler);
    }
    return [];
  }

  async end({ report, evidence, decisions }: DrillOutcome): Promise<void> {
    if (this.#name === null) return;
    const gateway = packLines(decisions.decisions, MAX_RECORD_CHARS, [{ timing: decisions.timing }]);
    await this.#patch("", { record: { evidence: packLines(evidence, MAX_RECORD_CHARS), gateway } });
    await this.#close({
      result: report.passed ? "Passed" : "Failed",
      gapSeconds: Math.round(report.streams.longestPauseSeconds * 100) / 100,
      summary: JSON.stringify(report),
      endedAt: new Date().toISOString(),
    });
  }

  /** It was ended early, and what it did is undone. `name`: of one that was killed. */
  async abort(name = this.#name): Promise<void> {
    this.#name = name;
    if (name === null) return;
    const note = "it was ended early; what it had done is undone";
    await this.#close({ result: "Aborted", summary: JSON.stringify({ note }), endedAt: new Date().toISOString() });
  }

  async #close(status: DrillStatus): Promise<void> {
    await this.#patch("/status", { status });
    await this.#state("ended");
    this.#name = null;
  }

  async #state(state: DrillState): Promise<void> {
    await this.#patch("", { metadata: { labels: { [DRILL_STATE]: state } } });
  }

  async #patch(subresource: string, body: object): Promise<void> {
    await this.#access.client.json({
      method: "PATCH",
      path: `${this.#path}/${this.#name}${subresource}`,
      contentType: "application/merge-patch+json",
      body,
      timeoutMs: TIMEOUT_MS,
    });
  }
}

/** A cluster of an earlier release knows no such kind: then nobody else runs one there. */
function noneKnown(error: unknown): { items: Drill[] } {
  if (isNotFound(error)) return { items: [] };
  throw error;
}
