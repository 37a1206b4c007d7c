import type { Evidence } from "../../health/evidence.ts";
import type { EvidenceFrame } from "../../stream/frames.ts";
import { exposition, type Family } from "./exposition.ts";
import { gpuFamilies } from "./gpu-families.ts";
import { processFamilies } from "./process-families.ts";

export interface AgentMetricsOptions {
  server: string;
  /** What holds now (`EvidenceLog.snapshot`): gauges are read from it at each scrape, so that they cannot go stale. */
  held(): readonly EvidenceFrame[];
  subscribers(): number;
}

type Of<K extends Evidence["kind"]> = Extract<Evidence, { kind: K }>;
const ENGINE_STATES = ["starting", "serving", "unhealthy", "unreachable"] as const;

/** What Prometheus reads from one agent: present state from the evidence that holds, and counts of what has happened. */
export class AgentMetrics {
  readonly #options: AgentMetricsOptions;
  readonly #counts = new Map<string, Map<string, { labels: Record<string, string | number>; value: number }>>();

  constructor(options: AgentMetricsOptions) {
    this.#options = options;
  }

  /** Counts one piece of evidence; to be called once for each. */
  count(evidence: Evidence): void {
    this.#add("evidence", { kind: evidence.kind });
    if (evidence.kind === "kernel-log") {
      const { line } = evidence;
      if (line.kind === "sxid") this.#add("sxid", { code: line.code, pci: line.pci, fatal: String(line.fatal) });
      else this.#add("xid", { code: line.kind === "xid" ? line.code : 154, pci: line.pci });
    }
    if (evidence.kind === "rank" && evidence.state === "exited") this.#add("rank", { group: evidence.group });
    if (evidence.kind === "engine-process" && evidence.state === "exited")
      this.#add("engine", { group: evidence.group });
  }

  /** The whole answer to one scrape. */
  text(): string {
    const held = this.#options.held().map(({ evidence }) => evidence);
    const of = <K extends Evidence["kind"]>(kind: K) => held.filter((one): one is Of<K> => one.kind === kind);
    const families: Family[] = [
      gauge("subscribers", "Open streams of this agent.", [{ value: this.#options.subscribers() }]),
      this.#counter("evidence", "evidence_total", "Pieces of evidence by kind."),
      this.#counter("xid", "xid_total", "Xid lines of the kernel log, by code and GPU."),
      this.#counter("sxid", "sxid_total", "SXid lines of the kernel log (NVSwitch)."),
      this.#counter("rank", "rank_exits_total", "Rank processes that ended."),
      this.#counter("engine", "engine_exits_total", "Launchers of an engine that ended."),
      gauge(
        "monitor_working",
        "1 if a source of evidence gives some, 0 if it hangs or fails.",
        of("monitor").map(({ monitor, state }) => ({ labels: { monitor }, value: state === "working" ? 1 : 0 })),
      ),
      ...gpuFamilies(of("gpus").at(-1)),
      gauge(
        "link_up",
        "1 if the port of an InfiniBand or RoCE card is active.",
        of("link").map(({ device, port, state }) => ({ labels: { device, port }, value: state === "up" ? 1 : 0 })),
      ),
      {
        ...gauge("link_downed_total", "How often a port went down, by the card's own counter.", []),
        type: "counter",
        series: of("link").map(({ device, port, downCount }) => ({ labels: { device, port }, value: downCount })),
      },
      gauge(
        "rank_running",
        "1 for each rank whose process runs, 0 while it is stopped.",
        of("rank").flatMap(({ group, rank, state }) =>
          state === "exited" ? [] : [{ labels: { group, rank }, value: state === "running" ? 1 : 0 }],
        ),
      ),
      ...engineFamilies(of("engine").at(-1)),
      gauge(
        "condition",
        "1 for a node condition of others that is true.",
        of("condition").map(({ type, status }) => ({ labels: { type }, value: status === "True" ? 1 : 0 })),
      ),
    ];
    return exposition([...families.map((family) => this.#named(family)), ...processFamilies()]);
  }

  /** Whoever scrapes may name its targets as it likes; alerts must say which server it is. */
  #named({ series, ...family }: Family): Family {
    const { server } = this.#options;
    return { ...family, series: series.map(({ labels, value }) => ({ labels: { server, ...labels }, value })) };
  }

  #add(what: string, labels: Record<string, string | number>): void {
    const series = this.#counts.get(what) ?? new Map();
    this.#counts.set(what, series);
    const key = Object.values(labels).join("\n");
    const known = series.get(key);
    if (known === undefined) series.set(key, { labels, value: 1 });
    else known.value++;
  }

  #counter(what: string, name: string, help: string): Family {
    return {
      name: `tandem_agent_${name}`,
      type: "counter",
      help,
      series: [...(this.#counts.get(what)?.values() ?? [])],
    };
  }
}

function gauge(name: string, help: string, series: Family["series"]): Family {
  return { name: `tandem_agent_${name}`, type: "gauge", help, series };
}

function engineFamilies(engine: Of<"engine"> | undefined): Family[] {
  if (engine === undefined) return [];
  const { group, state, running, queued } = engine;
  return [
    gauge(
      "engine_state",
      "1 for the state that the engine is in, by its own endpoints (leader only).",
      ENGINE_STATES.map((one) => ({ labels: { group, state: one }, value: one === state ? 1 : 0 })),
    ),
    gauge("engine_running_requests", "Requests that the engine works on.", [{ labels: { group }, value: running }]),
    gauge("engine_queued_requests", "Requests that wait in the engine.", [{ labels: { group }, value: queued }]),
  ];
}
