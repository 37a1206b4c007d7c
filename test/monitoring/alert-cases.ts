/** One way for an alert to fire: series while all is well, while something is wrong, and when it is well again. */
export interface AlertCase {
  alert: string;
  /** Labels that the alert must have, besides `alertname` and `severity`. */
  labels?: Record<string, string>;
  /** Per series: its values of the three phases, as promtool writes them for one sample (`0`, `_` is none). */
  series: Record<string, readonly [well: Value, wrong: Value, wellAgain: Value]>;
  /** Phases in minutes; wrong is as long as the rule wants at least, well again until its range has passed. */
  wrongMinutes?: number;
}

/** A value that stays, or one that grows by so much a minute from `from` on. */
export type Value = number | "_" | { from: number; perMinute: number };

const gpu = 'server="gpu-a",gpu="3",uuid="GPU-3"';
const gpuLabels = { server: "gpu-a", gpu: "3", uuid: "GPU-3" };
const gone = { job: "tandem-agent", instance: "10.0.0.11:9477" };

export const ALERT_CASES: readonly AlertCase[] = [
  { alert: "TandemAgentDown", labels: gone, series: { 'up{job="tandem-agent",instance="10.0.0.11:9477"}': [1, 0, 1] } },
  {
    alert: "TandemGpuLost",
    labels: { server: "gpu-a" },
    series: {
      'tandem_agent_gpus_found{server="gpu-a"}': [8, 7, 8],
      'tandem_agent_gpus_expected{server="gpu-a"}': [8, 8, 8],
    },
  },
  {
    alert: "TandemXid",
    labels: { server: "gpu-a", code: "79", pci: "0000:1b:00" },
    series: { 'tandem_agent_xid_total{server="gpu-a",code="79",pci="0000:1b:00"}': ["_", 1, 1] },
    wrongMinutes: 5,
  },
  {
    alert: "TandemXid",
    labels: { server: "gpu-a", code: "31", pci: "0000:1b:00" },
    series: { 'tandem_agent_xid_total{server="gpu-a",code="31",pci="0000:1b:00"}': [4, 5, 5] },
    wrongMinutes: 5,
  },
  {
    alert: "TandemRankExited",
    labels: { server: "gpu-a", group: "a" },
    series: { 'tandem_agent_rank_exits_total{server="gpu-a",group="a"}': ["_", 8, 8] },
    wrongMinutes: 5,
  },
  {
    alert: "TandemMonitorHangs",
    labels: { server: "gpu-a", monitor: "nvidia-smi" },
    series: { 'tandem_agent_monitor_working{server="gpu-a",monitor="nvidia-smi"}': [1, 0, 1] },
  },
  {
    alert: "TandemLinkDown",
    labels: { server: "gpu-a", device: "mlx5_0", port: "1" },
    series: { 'tandem_agent_link_up{server="gpu-a",device="mlx5_0",port="1"}': [1, 0, 1] },
  },
  {
    alert: "TandemGpuThrottled",
    labels: { ...gpuLabels, reason: "hw_thermal_slowdown" },
    series: { [`tandem_agent_gpu_throttled{${gpu},reason="hw_thermal_slowdown"}`]: ["_", 1, "_"] },
  },
  {
    alert: "TandemEccErrors",
    labels: gpuLabels,
    series: { [`tandem_agent_gpu_ecc_uncorrected_errors_total{${gpu}}`]: [2, { from: 2, perMinute: 1 }, 17] },
  },
  {
    alert: "TandemRowRemapPending",
    labels: gpuLabels,
    series: { [`tandem_agent_gpu_remapped_rows_pending{${gpu}}`]: [0, 1, 0] },
  },
  {
    alert: "TandemRowRemapFailed",
    labels: gpuLabels,
    series: { [`tandem_agent_gpu_remapped_rows_failed{${gpu}}`]: [0, 1, 0] },
  },
  {
    alert: "TandemPcieDegraded",
    labels: gpuLabels,
    series: {
      [`tandem_agent_gpu_pcie_lanes{${gpu}}`]: [16, 8, 16],
      [`tandem_agent_gpu_pcie_lanes_maximum{${gpu}}`]: [16, 16, 16],
    },
  },
  {
    alert: "TandemEngineUnhealthy",
    labels: { server: "gpu-a", group: "a", state: "unreachable" },
    series: {
      'tandem_agent_engine_state{server="gpu-a",group="a",state="unreachable"}': [0, 1, 0],
      'tandem_agent_engine_state{server="gpu-a",group="a",state="serving"}': [1, 0, 1],
    },
  },
  {
    alert: "TandemEngineLoadsLong",
    labels: { server: "gpu-a", group: "a", state: "starting" },
    series: { 'tandem_agent_engine_state{server="gpu-a",group="a",state="starting"}': [0, 1, 0] },
    wrongMinutes: 40,
  },
  {
    alert: "TandemEngineQueue",
    labels: { instance: "10.0.0.11:30000" },
    series: { 'sglang:num_queue_reqs{instance="10.0.0.11:30000"}': [2, 90, 0] },
  },
  {
    alert: "TandemGatewayDown",
    labels: { job: "tandem-gateway", instance: "10.0.0.10:9478" },
    series: {
      'up{job="tandem-gateway",instance="10.0.0.10:9478"}': [1, 0, 1],
      'up{job="tandem-gateway",instance="10.0.0.13:9478"}': [1, 1, 1],
    },
  },
  {
    alert: "TandemNoGateway",
    series: {
      'up{job="tandem-gateway",instance="10.0.0.10:9478"}': [1, 0, 1],
      'up{job="tandem-gateway",instance="10.0.0.13:9478"}': [0, 0, 0],
    },
  },
  {
    alert: "TandemNoGateway",
    labels: { job: "tandem-gateway" },
    series: { 'up{job="tandem-gateway",instance="10.0.0.10:9478"}': [1, "_", 1] },
  },
  {
    alert: "TandemNoGroupServes",
    labels: { kind: "hold" },
    series: {
      'tandem_gateway_choice{instance="one",kind="hold"}': [0, 1, 0],
      'tandem_gateway_choice{instance="one",kind="shed"}': [0, 0, 0],
      'tandem_gateway_choice{instance="one",kind="use"}': [1, 0, 1],
    },
  },
  {
    alert: "TandemFailover",
    labels: { from: "a", to: "b" },
    series: { 'tandem_gateway_failovers_total{instance="one",from="a",to="b"}': ["_", 1, 1] },
    wrongMinutes: 5,
  },
  {
    alert: "TandemStandbySuspect",
    labels: { group: "b" },
    series: {
      'tandem_gateway_group_suspect{instance="one",group="a"}': [0, 0, 0],
      'tandem_gateway_group_suspect{instance="one",group="b"}': [0, 1, 0],
      'tandem_gateway_group_active{instance="one",group="a"}': [1, 1, 1],
      'tandem_gateway_group_active{instance="one",group="b"}': [0, 0, 0],
    },
  },
  {
    alert: "TandemGatewaysDisagree",
    series: {
      'tandem_gateway_group_active{instance="one",group="a"}': [1, 1, 1],
      'tandem_gateway_group_active{instance="one",group="b"}': [0, 0, 0],
      'tandem_gateway_group_active{instance="two",group="a"}': [1, 0, 1],
      'tandem_gateway_group_active{instance="two",group="b"}': [0, 1, 0],
    },
  },
  {
    alert: "TandemGatewayEpochBehind",
    series: {
      'tandem_gateway_epoch{instance="one"}': [4, 5, 5],
      'tandem_gateway_epoch{instance="two"}': [4, 4, 5],
    },
  },
  {
    alert: "TandemStandbyBreaksReading",
    series: {
      'tandem_gateway_cache_warmings_total{instance="one",outcome="broke"}': [2, { from: 2, perMinute: 1 }, 17],
      'tandem_gateway_cache_warmings_total{instance="one",outcome="read"}': [10, { from: 10, perMinute: 9 }, 145],
    },
  },
  {
    alert: "TandemStreamGapLong",
    series: {
      'tandem_gateway_stream_gap_seconds_count{instance="one"}': [20, { from: 20, perMinute: 1 }, 35],
      'tandem_gateway_stream_gap_seconds_bucket{instance="one",le="8"}': [20, 20, 20],
    },
  },
  {
    alert: "TandemStreamsInterrupted",
    series: {
      'tandem_gateway_requests_total{instance="one",outcome="interrupted"}': [0, { from: 0, perMinute: 1 }, 15],
      'tandem_gateway_requests_total{instance="one",outcome="complete"}': [0, { from: 0, perMinute: 9 }, 135],
    },
  },
  {
    alert: "TandemRefusals",
    labels: { status: "503" },
    series: {
      'tandem_gateway_refusals_total{instance="one",status="503"}': [0, { from: 0, perMinute: 120 }, 1800],
      'tandem_gateway_refusals_total{instance="one",status="401"}': [0, { from: 0, perMinute: 120 }, 1800],
    },
  },
  {
    alert: "TandemServerSilent",
    labels: { server: "gpu-a" },
    series: {
      'tandem_gateway_server_silence_seconds{instance="one",server="gpu-a"}': [0.1, 300, 0.1],
      'tandem_gateway_server_silence_seconds{instance="two",server="gpu-a"}': [0.2, 90, 0.2],
      'tandem_gateway_server_silence_seconds{instance="one",server="gpu-b"}': [0.1, 300, 0.1],
      'tandem_gateway_server_silence_seconds{instance="two",server="gpu-b"}': [0.1, 0.1, 0.1],
    },
  },
  {
    alert: "TandemGatewayHeldUp",
    labels: { instance: "one" },
    series: { 'tandem_gateway_held_up_seconds_total{instance="one"}': [0, { from: 0, perMinute: 12 }, 180] },
  },
  { alert: "TandemReconcilerDown", series: { 'up{job="tandem-reconciler",instance="one"}': [1, 0, 1] } },
  {
    alert: "TandemReconcilerDown",
    labels: { job: "tandem-reconciler" },
    series: { 'up{job="tandem-reconciler",instance="one"}': [1, "_", 1] },
  },
  {
    alert: "TandemReconcilerNoLeader",
    series: {
      'tandem_reconciler_leader{instance="one"}': [1, 0, 0],
      'tandem_reconciler_leader{instance="two"}': [0, 0, 1],
    },
  },
  {
    alert: "TandemNoTakeover",
    series: {
      'tandem_reconciler_takeover_ready{instance="one",group="a"}': [0, 0, 0],
      'tandem_reconciler_takeover_ready{instance="one",group="b"}': [1, 0, 1],
    },
  },
  { alert: "TandemPaused", series: { 'tandem_reconciler_paused{instance="one"}': [0, 1, 0] }, wrongMinutes: 70 },
  {
    alert: "TandemNeedsPerson",
    labels: { reason: "not-fenced" },
    series: {
      'tandem_reconciler_decision{instance="one",kind="escalate",reason="not-fenced"}': [0, 1, 0],
      'tandem_reconciler_decision{instance="one",kind="hold",reason="all-well"}': [1, 0, 1],
    },
  },
  {
    alert: "TandemServerNotFenced",
    labels: { server: "gpu-a" },
    series: {
      'tandem_reconciler_server_quarantined{instance="one",server="gpu-a"}': [0, 1, 1],
      'tandem_reconciler_server_fenced{instance="one",server="gpu-a"}': [0, 0, 1],
      'tandem_reconciler_server_quarantined{instance="one",server="gpu-b"}': [0, 0, 0],
      'tandem_reconciler_server_fenced{instance="one",server="gpu-b"}': [0, 0, 0],
    },
  },
  {
    alert: "TandemSnapshotStale",
    series: {
      'tandem_reconciler_snapshot_age_seconds{instance="one"}': [1, 120, 1],
      'tandem_reconciler_snapshot_age_seconds{instance="two"}': [1, 60, 1],
    },
  },
];
