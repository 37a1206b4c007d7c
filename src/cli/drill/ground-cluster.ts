import type { Site } from "../../drill/cluster/site.ts";
import { ClusterDrillArena } from "../../drill/scenarios/cluster-drill-arena.ts";
import { clearIntent, readIntent, writeIntent } from "../../drill/scenarios/intent.ts";
import { TandemError } from "../../errors.ts";
import { readStackSecrets } from "../../infra/stack/stack-secrets.ts";
import { serviceAccess } from "../service/access.ts";
import { stackAccess, unknownStack } from "../stack-access.ts";
import { ClusterRecord } from "./cluster-record.ts";
import { atRisk, type DrillGround } from "./ground.ts";
import { followStack, orderByRequest, whatSpeaksAgainst } from "./service.ts";
import { siteOf } from "./site.ts";

const SOUND_MS = 20_000;

/**
 * The cluster of a stack that this computer made. What a drill that was killed has left is undone first.
 *
 * @param overSsh local machines too are drilled as real servers are
 * @throws TandemError E_DRILL_RUNNING, E_DRILL_NOT_READY
 */
export async function clusterGround(
  stack: string,
  signal: AbortSignal,
  say: (line: string) => void,
  { overSsh = false } = {},
): Promise<DrillGround> {
  const { plan, record, apiKey, adminToken, admin } = await stackAccess(stack);
  const secrets = await readStackSecrets(stack);
  if (secrets === undefined) throw unknownStack(stack);
  const service = await serviceAccess({ stack });
  // Also by a drill that is ended early: what it undoes is undone to the end.
  const order = (kind: "switchover" | "return", target: string) =>
    orderByRequest(stack, kind, target, kind === "return" ? new AbortController().signal : signal);
  let site: Site | undefined;
  const away = async () => {
    await site?.close();
    await service.client.close();
  };
  let inCluster: ClusterRecord;
  try {
    site = await siteOf({ plan, file: record.spec, orders: { service, order }, overSsh });
    inCluster = new ClusterRecord(service, site.patienceMs);
    await cleanUp(stack, site, inCluster, say);
    await inCluster.assertAlone();
  } catch (error) {
    await away();
    throw error;
  }
  const arena = new ClusterDrillArena({
    plan,
    site,
    baseUrl: record.baseUrl,
    apiKey,
    adminToken,
    agentToken: secrets["agent-token"],
    admin,
    against: () => whatSpeaksAgainst(stack),
    follow: (ending) => followStack(stack, ending),
    versions: { node: process.version, servers: site.servers },
  });
  const close = async () => {
    await arena.close();
    await away();
  };
  try {
    const { active, against } = await arena.readiness();
    if (active === null || against.length > 0) await arena.watch(SOUND_MS, signal).catch(() => {});
    else await arena.watch(SOUND_MS, signal);
  } catch (error) {
    await close();
    throw error;
  }
  let named = "";
  const done: { cause: Parameters<DrillGround["before"]>[1]; victim: string }[] = [];
  const abort = async () => {
    done.length = 0;
    // Whatever ended the drill has undone it (see runDrill).
    await clearIntent(stack);
    await inCluster.abort().catch(() => {});
  };
  return {
    arena,
    atRisk: (scenario) => atRisk(scenario, arena.front.active()),
    before: async (scenario, cause, victim) => {
      if (done.length === 0) named = await inCluster.begin(scenario, victim);
      done.push({ cause, victim });
      await writeIntent(stack, scenario, done, named);
    },
    passes: () => inCluster.passes().catch(() => []),
    after: async (outcome) => {
      done.length = 0;
      await clearIntent(stack);
      await inCluster.end(outcome).catch((error: Error) => say(`the cluster has no record of it: ${error.message}`));
    },
    abort,
    close: async () => {
      await abort();
      await close();
    },
  };
}

/** One drill at a time; one that was killed is undone before the next begins. */
async function cleanUp(
  stack: string,
  site: Site,
  inCluster: ClusterRecord,
  say: (line: string) => void,
): Promise<void> {
  const found = await readIntent(stack);
  if (found === null) return;
  const { intent, runs } = found;
  if (runs)
    throw new TandemError({
      code: "E_DRILL_RUNNING",
      what: "the drill was not started",
      why: `the drill ${intent.scenario} has been running since ${intent.startedAt}`,
      fix: "wait until it has ended, or end it with Ctrl-C",
    });
  for (const { cause, victim } of intent.done.toReversed()) {
    say(`an earlier drill (${intent.scenario}) was killed: undoing ${cause} on ${victim}`);
    await site.undo(cause, victim);
  }
  await clearIntent(stack);
  if (intent.record !== undefined) await inCluster.abort(intent.record).catch(() => {});
}
