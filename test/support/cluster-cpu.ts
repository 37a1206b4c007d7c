import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { stackAccess } from "../../src/cli/stack-access.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import type { Engine } from "../../src/machines/local/engine.ts";
import { machineStats } from "./machine-stats.ts";
import { PARTS } from "./own-cpu.ts";

const Stats = z.object({ cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }) });
/** Nodes have no such label: whatever asks for it runs nowhere. */
const NOWHERE = { "tandem.dev/nowhere": "true" };
const EVERYWHERE = { "tandem.dev/nowhere": null };
/** After a change, until the API server and the kubelets have done what it caused. */
const SETTLE_MS = 20_000;

interface Part {
  metadata: { name: string };
  status: { conditions?: { type: string; status: string }[] };
}

/** Shares of one core, in percent, that all machines of a stack take while nothing happens. */
export interface IdleCost {
  withUs: number;
  /** The same cluster with its engines, without agents, gateways and reconciler. */
  without: number;
}

/**
 * What Kubernetes has to do for our parts counts as ours here, and so do the emulated tools that the agents call. The parts are
 * taken away for a while, and are all ready again when it resolves.
 */
export async function idleCost(engine: Engine, stack: string, client: KubeClient, seconds = 60): Promise<IdleCost> {
  await delay(SETTLE_MS);
  const withUs = await machineCpuPercent(engine, stack, seconds);
  const { namespace } = (await stackAccess(stack)).record;
  const apps = `/apis/apps/v1/namespaces/${namespace}`;
  const patch = (path: string, spec: object) =>
    client.json({
      method: "PATCH",
      path: `${apps}/${path}`,
      body: { spec },
      contentType: "application/merge-patch+json",
    });
  const put = async (replicas: number, nodeSelector: object) => {
    await patch("deployments/reconciler", { replicas });
    for (const name of ["agent", "gateway"])
      await patch(`daemonsets/${name}`, { template: { spec: { nodeSelector } } });
  };
  const parts = async () => {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const { items } = await client.json<{ items: Part[] }>({ method: "GET", path });
    return items.filter(({ metadata }) => PARTS.test(metadata.name));
  };
  const until = async (what: string, holds: (now: Part[]) => boolean) => {
    for (const end = Date.now() + 120_000; !holds(await parts()); await delay(500))
      if (Date.now() > end) throw new Error(`our parts are not ${what} after 2 min`);
  };
  const before = await parts();
  await put(0, NOWHERE);
  await until("gone", (now) => now.length === 0);
  await delay(SETTLE_MS);
  const without = await machineCpuPercent(engine, stack, seconds);
  await put(before.filter(({ metadata }) => metadata.name.startsWith("reconciler-")).length, EVERYWHERE);
  await until("ready again", (now) => now.length === before.length && now.every(isReady));
  return { withUs, without };
}

const isReady = ({ status }: Part) =>
  status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

async function machineCpuPercent(engine: Engine, stack: string, seconds: number): Promise<number> {
  const spent = async () => {
    const each = await machineStats(engine, stack, Stats);
    return each.reduce((sum, { cpu_stats }) => sum + cpu_stats.cpu_usage.total_usage, 0);
  };
  const began = performance.now();
  const before = await spent();
  await delay(seconds * 1_000);
  return (((await spent()) - before) / 1e6 / (performance.now() - began)) * 100;
}
