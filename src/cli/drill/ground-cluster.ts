import { ClusterDrillArena } from "../../drill/scenarios/cluster-drill-arena.ts";
import { undoOnCluster } from "../../drill/scenarios/cluster-undo.ts";
import { clearIntent, readIntent, writeIntent } from "../../drill/scenarios/intent.ts";
import { TandemError } from "../../errors.ts";
import { readStackSecrets } from "../../infra/stack/stack-secrets.ts";
import { findEngine } from "../../machines/local/engine.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { serviceAccess } from "../service/access.ts";
import { stackAccess } from "../stack-access.ts";
import { ClusterRecord } from "./cluster-record.ts";
import { atRisk, type DrillGround } from "./ground.ts";
import { followStack, orderByRequest, whatSpeaksAgainst } from "./service.ts";

const SOUND_MS = 20_000;

/**
 * The cluster of a stack on this computer. What a drill that was killed has left is undone first.
 *
 * @throws TandemError E_DRILL_RUNNING, E_DRILL_REAL_SERVERS, E_DRILL_NOT_READY
 */
export async function clusterGround(
  stack: string,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<DrillGround> {
  const access = await stackAccess(stack);
  const { plan, record, apiKey, adminToken, admin } = access;
  assertLocal(plan);
  const secrets = await readStackSecrets(stack);
  const engine = await findEngine();
  if (engine === undefined || secrets === undefined)
    throw new TandemError({
      code: "E_DRILL_NOT_READY",
      what: "the drill was not started",
      why: "the engine that runs the machines of this stack is not there",
      fix: "run `tandem up` with its spec",
    });
  const service = await serviceAccess({ stack });
  // Also by a drill that is ended early: what it undoes is undone to the end.
  const order = (kind: "switchover" | "return", target: string) =>
    orderByRequest(stack, kind, target, kind === "return" ? new AbortController().signal : signal);
  const inCluster = new ClusterRecord(service);
  try {
    await cleanUp({ plan, engine, service, order }, inCluster, say);
    await inCluster.assertAlone();
  } catch (error) {
    await service.client.close();
    throw error;
  }
  const arena = new ClusterDrillArena({
    plan,
    engine,
    baseUrl: record.baseUrl,
    apiKey,
    adminToken,
    agentToken: secrets["agent-token"],
    admin,
    against: () => whatSpeaksAgainst(stack),
    order,
    service,
    follow: (ending) => followStack(stack, ending),
    versions: { node: process.version, kubernetes: plan.spec.name === "" ? "" : "local cluster" },
  });
  const close = async () => {
    await arena.close();
    await service.client.close();
    await engine.api.close();
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
  { plan, ...rest }: Omit<Parameters<typeof undoOnCluster>[1], "victim">,
  inCluster: ClusterRecord,
  say: (line: string) => void,
): Promise<void> {
  const found = await readIntent(plan.name);
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
    await undoOnCluster(cause, { plan, ...rest, victim });
  }
  await clearIntent(plan.name);
  if (intent.record !== undefined) await inCluster.abort(intent.record).catch(() => {});
}

function assertLocal({ name, spec }: ServingPlan): void {
  if (spec.provision.kind === "local") return;
  throw new TandemError({
    code: "E_DRILL_REAL_SERVERS",
    what: `drills cannot be run on the servers of ${name} yet`,
    why: "faults are injected from outside of local machines only",
    fix: "use `tandem switchover` there, and drill the same spec on a local cluster or as a rehearsal",
  });
}
