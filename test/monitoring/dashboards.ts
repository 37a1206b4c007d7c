/** A panel: a title, what it draws, and how its values are written. */
interface Panel {
  title: string;
  kind: "timeseries" | "stat" | "state-timeline" | "table";
  unit?: string;
  /** Query and, for its legend, the labels that tell its series apart. */
  queries: readonly (readonly [expr: string, legend: string])[];
  width?: 6 | 8 | 12 | 24;
  description?: string;
}

interface Dashboard {
  uid: string;
  title: string;
  panels: readonly Panel[];
}

const HEIGHT = 7;
const COLUMNS = 24;
const gap = (share: number) =>
  `histogram_quantile(${share}, sum by (le) (rate(tandem_gateway_stream_gap_seconds_bucket[$__rate_interval])))`;
const firstToken = (share: number) =>
  `histogram_quantile(${share}, sum by (le) (rate(tandem_gateway_first_token_seconds_bucket[$__rate_interval])))`;

/** What whoever is on duty looks at first: who serves, could the other take over, what do clients feel. */
const SERVING: Dashboard = {
  uid: "tandem-serving",
  title: "Tandem: serving",
  panels: [
    {
      title: "Active group",
      kind: "state-timeline",
      width: 12,
      queries: [["max by (group) (tandem_gateway_group_active)", "{{group}}"]],
      description: "1: requests go to this group.",
    },
    {
      title: "Takeover readiness",
      kind: "state-timeline",
      width: 12,
      queries: [
        ["max by (group) (tandem_reconciler_takeover_ready)", "{{group}} ready"],
        ["max by (group) (tandem_gateway_group_suspect)", "{{group}} suspect"],
      ],
      description: "Would a failover to this group work now, by the reconciler; and what gateways hold against it.",
    },
    {
      title: "Requests are",
      kind: "state-timeline",
      width: 12,
      queries: [["max by (kind) (tandem_gateway_choice)", "{{kind}}"]],
    },
    {
      title: "Decision of the reconciler",
      kind: "table",
      width: 12,
      queries: [["max by (kind, reason) (tandem_reconciler_decision) == 1", "{{kind}}: {{reason}}"]],
    },
    {
      title: "Failovers in 24 h",
      kind: "stat",
      width: 6,
      queries: [["sum by (from, to) (increase(tandem_gateway_failovers_total[24h]))", "{{from}} → {{to}}"]],
    },
    { title: "Epoch", kind: "stat", width: 6, queries: [["max(tandem_gateway_epoch)", "epoch"]] },
    {
      title: "Groups that are intact",
      kind: "stat",
      width: 6,
      queries: [["max(tandem_reconciler_groups_intact)", "intact"]],
    },
    {
      title: "Paused",
      kind: "stat",
      width: 6,
      queries: [["max(tandem_reconciler_paused)", "paused"]],
    },
    {
      title: "Tokens a second",
      kind: "timeseries",
      width: 12,
      queries: [["sum by (instance) (sglang:gen_throughput)", "{{instance}}"]],
    },
    {
      title: "Requests a second by outcome",
      kind: "timeseries",
      unit: "reqps",
      width: 12,
      queries: [
        ["sum by (outcome) (rate(tandem_gateway_requests_total[$__rate_interval]))", "{{outcome}}"],
        ["sum by (status) (rate(tandem_gateway_refusals_total[$__rate_interval]))", "refused {{status}}"],
      ],
    },
    {
      title: "Time to the first token",
      kind: "timeseries",
      unit: "s",
      width: 12,
      queries: [
        [firstToken(0.5), "p50"],
        [firstToken(0.99), "p99"],
      ],
    },
    {
      title: "Pause of streams that were carried on",
      kind: "timeseries",
      unit: "s",
      width: 12,
      queries: [
        [gap(0.5), "p50"],
        [gap(0.99), "p99"],
      ],
    },
    {
      title: "Requests under way",
      kind: "timeseries",
      width: 12,
      queries: [
        ["sum(tandem_gateway_active_requests)", "in gateways"],
        ["sum by (kind) (tandem_gateway_waiting_requests)", "wait for a group: {{kind}}"],
        ["sum(sglang:num_running_reqs)", "engines work on"],
        ["sum(sglang:num_queue_reqs)", "wait in engines"],
      ],
    },
    {
      title: "What the standby would have to read at a takeover",
      kind: "timeseries",
      width: 12,
      queries: [["sum(tandem_gateway_unread_tokens)", "tokens"]],
    },
    {
      title: "Silence of servers, as gateways hear it",
      kind: "timeseries",
      unit: "s",
      width: 12,
      queries: [["min by (server) (tandem_gateway_server_silence_seconds)", "{{server}}"]],
    },
  ],
};

/** The servers themselves: what is about to break. */
const SERVERS: Dashboard = {
  uid: "tandem-servers",
  title: "Tandem: servers",
  panels: [
    {
      title: "GPUs found",
      kind: "stat",
      width: 12,
      queries: [["tandem_agent_gpus_found", "{{server}}"]],
    },
    {
      title: "Verdict of the reconciler",
      kind: "state-timeline",
      width: 12,
      queries: [["max by (server, state) (tandem_reconciler_server_verdict) == 1", "{{server}} {{state}}"]],
    },
    {
      title: "Xid and SXid lines",
      kind: "timeseries",
      width: 12,
      queries: [
        ["sum by (server, code) (increase(tandem_agent_xid_total[$__rate_interval]))", "{{server}} XID {{code}}"],
        ["sum by (server, code) (increase(tandem_agent_sxid_total[$__rate_interval]))", "{{server}} SXid {{code}}"],
      ],
    },
    {
      title: "Ranks that run",
      kind: "timeseries",
      width: 12,
      queries: [["sum by (server, group) (tandem_agent_rank_running)", "{{group}} on {{server}}"]],
    },
    {
      title: "Hottest GPU",
      kind: "timeseries",
      unit: "celsius",
      width: 12,
      queries: [["max by (server) (tandem_agent_gpu_temperature_celsius)", "{{server}}"]],
    },
    {
      title: "Power",
      kind: "timeseries",
      unit: "watt",
      width: 12,
      queries: [["sum by (server) (tandem_agent_gpu_power_watts)", "{{server}}"]],
    },
    {
      title: "Uncorrected memory errors in 24 h",
      kind: "stat",
      width: 8,
      queries: [["sum by (server) (increase(tandem_agent_gpu_ecc_uncorrected_errors_total[24h]))", "{{server}}"]],
    },
    {
      title: "Ports that are down",
      kind: "stat",
      width: 8,
      queries: [["count by (server) (tandem_agent_link_up == 0)", "{{server}}"]],
    },
    {
      title: "Monitors that hang",
      kind: "stat",
      width: 8,
      queries: [["count by (server, monitor) (tandem_agent_monitor_working == 0)", "{{server}} {{monitor}}"]],
    },
    {
      title: "Engines, by their own word",
      kind: "state-timeline",
      width: 24,
      queries: [["max by (group, state) (tandem_agent_engine_state) == 1", "{{group}} {{state}}"]],
    },
    {
      title: "CPU of Tandem's programs",
      kind: "timeseries",
      width: 12,
      queries: [['rate(process_cpu_seconds_total{job=~"tandem-.*"}[$__rate_interval])', "{{job}} {{instance}}"]],
    },
    {
      title: "Memory of Tandem's programs",
      kind: "timeseries",
      unit: "bytes",
      width: 12,
      queries: [['process_resident_memory_bytes{job=~"tandem-.*"}', "{{job}} {{instance}}"]],
    },
  ],
};

export const DASHBOARDS: readonly Dashboard[] = [SERVING, SERVERS];

/** The JSON that Grafana imports; the data source is chosen there. */
export function grafanaJson({ uid, title, panels }: Dashboard): string {
  let x = 0;
  let y = 0;
  const drawn = panels.map(({ title: panelTitle, kind, unit, queries, width = 12, description }, at) => {
    if (x + width > COLUMNS) {
      x = 0;
      y += HEIGHT;
    }
    const gridPos = { x, y, w: width, h: HEIGHT };
    x += width;
    return {
      id: at + 1,
      title: panelTitle,
      ...(description === undefined ? {} : { description }),
      type: kind,
      gridPos,
      datasource: { type: "prometheus", uid: "${datasource}" },
      fieldConfig: { defaults: unit === undefined ? {} : { unit }, overrides: [] },
      options: {},
      targets: queries.map(([expr, legendFormat], index) => ({
        refId: String.fromCharCode(65 + index),
        expr,
        legendFormat,
        ...(kind === "table" ? { format: "table", instant: true } : {}),
      })),
    };
  });
  const dashboard = {
    uid,
    title,
    tags: ["tandem"],
    schemaVersion: 39,
    editable: true,
    refresh: "15s",
    time: { from: "now-6h", to: "now" },
    templating: { list: [{ name: "datasource", type: "datasource", query: "prometheus", label: "Data source" }] },
    panels: drawn,
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
