import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import type { Evidence } from "../health/evidence.ts";
import { EvidenceLog } from "../stream/evidence-log.ts";
import { type Clock, EvidenceServer } from "../stream/server.ts";
import { systemClock } from "./clock.ts";
import type { AgentSettings } from "./config.ts";
import { watchEngine } from "./engine/watch-engine.ts";
import { watchGpus } from "./gpus/watch-gpus.ts";
import { drillLines } from "./kernel-log/drill-lines.ts";
import { kernelLog } from "./kernel-log/kernel-log.ts";
import { AgentMetrics } from "./metrics/agent-metrics.ts";
import { EXPOSITION_TYPE } from "./metrics/exposition.ts";
import { watchProcesses } from "./processes/watch-processes.ts";
import type { Emit, Source } from "./source.ts";
import { watchStorage } from "./storage/watch-storage.ts";
import { tokenSource } from "./tokens.ts";
import { watchConditions } from "./watch-conditions.ts";
import { watchLinks } from "./watch-links.ts";

export interface RunningAgent {
  address: AddressInfo;
  stop(): Promise<void>;
}

/** Starts everything that the settings ask for: first the stream, then what fills it. */
export async function startAgent(settings: AgentSettings, clock: Clock = systemClock): Promise<RunningAgent> {
  const log = new EvidenceLog({ agent: randomUUID() });
  const { AGENT_TLS_CERT: cert, AGENT_TLS_KEY: key } = settings;
  const metrics = new AgentMetrics({
    server: settings.AGENT_SERVER,
    held: () => log.snapshot(),
    subscribers: () => server.subscribers,
  });
  const server: EvidenceServer = new EvidenceServer({
    server: settings.AGENT_SERVER,
    bootId: settings.AGENT_BOOT_ID ?? bootId(settings.AGENT_BOOT_ID_FILE),
    log,
    clock,
    heartbeatMs: settings.AGENT_HEARTBEAT_MS,
    tokens: tokenSource(settings.AGENT_TOKEN_FILE, settings.AGENT_TOKEN),
    metrics: { contentType: EXPOSITION_TYPE, text: () => metrics.text() },
    ...(cert === undefined || key === undefined
      ? {}
      : { tls: { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") } }),
  });
  const address = await server.listen(settings.AGENT_HOST, settings.AGENT_PORT);
  const emit = (evidence: Evidence) => {
    server.publish(log.append(evidence, { monoMs: clock.monoMs(), wallMs: clock.wallMs() }));
    metrics.count(evidence);
  };

  const sources = startSources(settings, emit, clock);
  return {
    address,
    async stop() {
      for (const source of sources) source.stop();
      await server.close();
    },
  };
}

function startSources(settings: AgentSettings, emit: Emit, { monoMs, wallMs }: Clock): Source[] {
  const { AGENT_KERNEL_LOG, AGENT_PROC, AGENT_ENGINE_URL, AGENT_NVIDIA_SMI, AGENT_SYS } = settings;
  const sources: Source[] = [];
  if (AGENT_KERNEL_LOG !== null) sources.push(kernelLog({ path: AGENT_KERNEL_LOG, emit, monoMs }));
  if (settings.AGENT_DRILL !== null) sources.push(drillLines({ folder: settings.AGENT_DRILL, emit, monoMs }));
  if (AGENT_PROC !== null) {
    const engine =
      AGENT_ENGINE_URL === null
        ? null
        : watchEngine({ url: AGENT_ENGINE_URL, everyMs: settings.AGENT_ENGINE_EVERY_MS, emit });
    if (engine !== null) sources.push(engine);
    sources.push(
      watchProcesses({
        root: AGENT_PROC,
        match: settings.AGENT_ENGINE_MATCH,
        group: settings.AGENT_GROUP ?? null,
        emit,
        monoMs,
        onEngine: (launcher) => engine?.follow(launcher),
        wallMs,
        pollMs: settings.AGENT_HEARTBEAT_MS / settings.AGENT_PROCESS_POLLS,
        scanMs: settings.AGENT_PROCESS_SCAN_MS,
      }),
    );
  }
  if (AGENT_NVIDIA_SMI !== null)
    sources.push(
      watchGpus({
        command: AGENT_NVIDIA_SMI.split(/ +/),
        expected: settings.AGENT_GPUS,
        everyMs: settings.AGENT_GPU_EVERY_MS,
        timeoutMs: settings.AGENT_GPU_TIMEOUT_MS,
        emit,
      }),
    );
  const devices = settings.AGENT_LINK_DEVICES.split(",").filter((name) => name !== "");
  if (AGENT_SYS !== null)
    sources.push(watchLinks({ root: AGENT_SYS, everyMs: settings.AGENT_LINK_EVERY_MS, devices, emit }));
  const { AGENT_WEIGHTS, AGENT_KERNEL_CACHE, AGENT_DF } = settings;
  const folders = [
    ...(AGENT_WEIGHTS === null ? [] : [{ folder: "weights" as const, path: AGENT_WEIGHTS }]),
    ...(AGENT_KERNEL_CACHE === null ? [] : [{ folder: "kernel-cache" as const, path: AGENT_KERNEL_CACHE }]),
  ];
  if (folders.length > 0)
    sources.push(
      watchStorage({
        root: settings.AGENT_ROOT,
        folders,
        df: AGENT_DF === null ? null : AGENT_DF.split(/ +/),
        proc: AGENT_PROC,
        everyMs: settings.AGENT_STORAGE_EVERY_MS,
        timeoutMs: settings.AGENT_GPU_TIMEOUT_MS,
        emit,
      }),
    );
  if (settings.AGENT_CONDITIONS !== null) sources.push(watchConditions({ path: settings.AGENT_CONDITIONS, emit }));
  return sources;
}

function bootId(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Not Linux: this start of the agent is all that can be told apart.
    return randomUUID();
  }
}
