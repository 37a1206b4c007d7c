import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const KEY = "bench-key-0123456789";
const here = (file: string) => new URL(file, import.meta.url).pathname;

async function firstLine(child: ChildProcess, wanted: (line: string) => boolean): Promise<string> {
  let text = "";
  for await (const part of child.stdout as AsyncIterable<Buffer>) {
    text += part.toString();
    const line = text.split("\n").slice(0, -1).find(wanted);
    if (line !== undefined) return line;
  }
  throw new Error(`ended: ${text}`);
}

export interface Setup {
  engineUrl: string;
  gatewayUrl: string;
  gatewayPid: number;
  stop(): Promise<void>;
}

/** A stub engine and the gateway before it, as processes of their own. */
export async function startSetup(everyMs: number): Promise<Setup> {
  const engine = spawn(process.execPath, [here("stub-engine.ts"), String(everyMs)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const engineUrl = `http://127.0.0.1:${await firstLine(engine, () => true)}`;
  const folder = mkdtempSync(join(tmpdir(), "gateway-bench-"));
  const config = {
    listen: { host: "127.0.0.1", port: 0 },
    admin: { host: "127.0.0.1", port: 0 },
    model: { name: "deepseek-v3", parser: null, templateOpensThink: true, contextLength: 65_536 },
    servers: { "gpu-a": { agent: "http://127.0.0.1:9" } },
    groups: { a: { servers: ["gpu-a"], urls: [engineUrl] } },
    active: "a",
    keys: [{ name: "bench", sha256: createHash("sha256").update(KEY).digest("hex") }],
    limits: { maxRequests: 2000 },
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const env = { ...process.env, TANDEM_AGENT_TOKEN: "x".repeat(20), TANDEM_ADMIN_TOKEN: "y".repeat(20) };
  const gateway = spawn(process.execPath, [here("../../../src/gateway/main.ts"), join(folder, "config.json")], {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  const line = JSON.parse(await firstLine(gateway, (text) => text.includes("gateway serves"))) as { url: string };
  return {
    engineUrl,
    gatewayUrl: line.url,
    gatewayPid: gateway.pid as number,
    stop: async () => {
      for (const child of [gateway, engine]) {
        child.kill("SIGKILL");
        await once(child, "close");
      }
      rmSync(folder, { recursive: true });
    },
  };
}

/** A proxy that looks at nothing, as a process of its own. */
export async function startPlainProxy(engineUrl: string): Promise<{ url: string; pid: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [here("plain-proxy.ts"), engineUrl], { stdio: ["ignore", "pipe", "inherit"] });
  return {
    url: `http://127.0.0.1:${await firstLine(child, () => true)}`,
    pid: child.pid as number,
    stop: async () => {
      child.kill("SIGKILL");
      await once(child, "close");
    },
  };
}

/** Processor time of a process in microseconds, and its memory in MiB. */
export function usageOf(pid: number): { cpuUs: number; rssMiB: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuUs: ticks * 10_000, rssMiB: (Number(fields[21]) * 4096) / 2 ** 20 };
}
