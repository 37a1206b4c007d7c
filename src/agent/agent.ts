import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import type { Evidence } from "../health/evidence.ts";
import { EvidenceLog } from "../stream/evidence-log.ts";
import { type Clock, EvidenceServer } from "../stream/server.ts";
import { systemClock } from "./clock.ts";
import type { AgentSettings } from "./config.ts";
import { kernelLog } from "./kernel-log/kernel-log.ts";
import { watchProcesses } from "./processes/watch-processes.ts";
import type { Source } from "./source.ts";
import { tokenSource } from "./tokens.ts";

export interface RunningAgent {
  address: AddressInfo;
  stop(): Promise<void>;
}

/** Starts everything that the settings ask for: first the stream, then what fills it. */
export async function startAgent(settings: AgentSettings, clock: Clock = systemClock): Promise<RunningAgent> {
  const log = new EvidenceLog({ agent: randomUUID() });
  const { AGENT_TLS_CERT: cert, AGENT_TLS_KEY: key } = settings;
  const server = new EvidenceServer({
    server: settings.AGENT_SERVER,
    bootId: settings.AGENT_BOOT_ID ?? bootId(),
    log,
    clock,
    heartbeatMs: settings.AGENT_HEARTBEAT_MS,
    tokens: tokenSource(settings.AGENT_TOKEN_FILE, settings.AGENT_TOKEN),
    ...(cert === undefined || key === undefined
      ? {}
      : { tls: { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") } }),
  });
  const address = await server.listen(settings.AGENT_HOST, settings.AGENT_PORT);
  const emit = (evidence: Evidence) =>
    server.publish(log.append(evidence, { monoMs: clock.monoMs(), wallMs: clock.wallMs() }));

  const sources: Source[] = [];
  if (settings.AGENT_KERNEL_LOG !== null)
    sources.push(kernelLog({ path: settings.AGENT_KERNEL_LOG, emit, monoMs: clock.monoMs }));
  if (settings.AGENT_PROC !== null)
    sources.push(
      watchProcesses({
        root: settings.AGENT_PROC,
        match: settings.AGENT_ENGINE_MATCH,
        group: settings.AGENT_GROUP ?? null,
        emit,
        monoMs: clock.monoMs,
        onEngine: () => {},
        pollMs: settings.AGENT_PROCESS_POLL_MS,
        scanMs: settings.AGENT_PROCESS_SCAN_MS,
      }),
    );
  return {
    address,
    async stop() {
      for (const source of sources) source.stop();
      await server.close();
    },
  };
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // Not Linux: this start of the agent is all that can be told apart.
    return randomUUID();
  }
}
