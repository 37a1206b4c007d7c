import type { Remedy } from "../../health/remedy.ts";
import { monotonicOf } from "../observe/clock.ts";
import { OUT_OF_SERVICE } from "../observe/observe-server.ts";
import { isReady } from "../observe/workload.ts";
import { type Decided, done, type Hands, type Outcome, waiting } from "./hands.ts";
import { changeNode, nodeOf, note, recordOf } from "./node.ts";
import { resetGpus } from "./reset-gpus.ts";
import { observedServer } from "./servers.ts";

/** From the first objection of the checks. Ours: a driver and its fabric manager are up within a minute of a boot. */
const CHECK_WITHIN_MS = 120_000;
/** Of its words on the node, where annotations have 256 KiB together. */
const MAX_WHAT = 1_000;

/** Cuts the power by the BMC. Off already counts: a server that lost its power says so by the same BMC. */
export async function powerOff(hands: Hands, decided: Decided, server: string): Promise<Outcome> {
  const record = recordOf(decided, server);
  const url = bmcOf(decided, server);
  hands.assertLeader();
  const state = await hands.power.with(server, url, async (bmc) => {
    const before = await bmc.power();
    if (before === "on") {
      // Between the look and the cut nothing may have changed hands.
      hands.assertLeader();
      await bmc.reset("ForceOff");
    }
    return before;
  });
  const askedAt = new Date().toISOString();
  const off = state === "off" ? { poweredOffAt: askedAt } : {};
  await note(hands, nodeOf(decided, server), record, { powerOffAskedAt: askedAt, ...off });
  if (state === "off") hands.power.note(server, "off");
  return done(state === "off" ? `the BMC of ${server} says that it is off` : `the BMC of ${server} cuts its power`);
}

/** One rung: the GPUs are reset, or the server is started anew. Never while its group runs, whatever was decided. */
export async function treatServer(hands: Hands, decided: Decided, server: string, remedy: Remedy): Promise<Outcome> {
  const record = recordOf(decided, server);
  const { group, bmc, verdict } = observedServer(decided, server);
  const mine = decided.observation.observed.groups.find(({ id }) => id === group);
  if (mine !== undefined && mine.run !== "stopped") return waiting(`${mine.id} still runs on ${server}`);
  if (remedy === "failover-reset" && verdict.state !== "blind") return resetGpus(hands, decided, server);
  if (!bmc) {
    const detail = `${server} needs to be started anew, and has no BMC in the spec`;
    return { kind: "blocked", reason: "needs-hands", detail, fix: `reboot ${server}; it comes back by itself` };
  }
  hands.assertLeader();
  const before = await hands.power.with(server, bmcOf(decided, server), async (open) => {
    const state = await open.power();
    if (state === "other") return state;
    hands.assertLeader();
    await open.reset(state === "off" ? "On" : "ForceRestart");
    return state;
  });
  if (before === "other") return waiting(`the BMC of ${server} is still at the last order`);
  const bootId = decided.knowledge.evidence.get(server)?.bootId ?? null;
  const tries = record.treated?.remedy === remedy ? (record.treated.tries ?? 1) + 1 : 1;
  const treated = { remedy, at: new Date().toISOString(), tries, ...(bootId === null ? {} : { bootId }) };
  await note(hands, nodeOf(decided, server), record, { treated });
  hands.power.seen.delete(server);
  return done(before === "off" ? `the BMC of ${server} switches it on` : `the BMC of ${server} starts it anew`);
}

/** Looks whether a server may serve again, before a group is put on it. */
export async function validate(hands: Hands, decided: Decided, server: string): Promise<Outcome> {
  const node = nodeOf(decided, server);
  const record = recordOf(decided, server);
  const { verdict, outOfService } = observedServer(decided, server);
  // As long as it stands, Kubernetes drives away what the checks look for.
  if (outOfService && verdict.state !== "blind") {
    await changeNode(hands, node, { taints: { [OUT_OF_SERVICE]: null } });
    return done(`${server} is on again`);
  }
  const against = objections(decided, server);
  if (against.length === 0) {
    await note(hands, node, record, { validatedAt: new Date().toISOString() });
    return done(`${server} passed: heard, every GPU there and empty, kubelet ready`);
  }
  return objected(hands, decided, server, against.join("; "));
}

/** What comes up after a boot comes up one after the other; only what is still missing after a while is a failed check. */
async function objected(hands: Hands, decided: Decided, server: string, what: string): Promise<Outcome> {
  const record = recordOf(decided, server);
  const { monoMs, wallMs } = decided.knowledge.moment;
  const { objectionsSince, failedChecks } = record;
  const detail = `${server}: ${what}`;
  if (objectionsSince === undefined) {
    await note(hands, nodeOf(decided, server), record, { objectionsSince: new Date(wallMs).toISOString() });
    return waiting(detail);
  }
  if (monoMs - monotonicOf(decided.knowledge.moment, objectionsSince) < CHECK_WITHIN_MS) return waiting(detail);
  const failed = { count: (failedChecks?.count ?? 0) + 1, what: what.slice(0, MAX_WHAT) };
  await note(hands, nodeOf(decided, server), record, { failedChecks: failed });
  return done(`${server} failed its check: ${what}`);
}

function objections(decided: Decided, server: string): string[] {
  const { verdict } = observedServer(decided, server);
  const known = decided.knowledge.evidence.get(server);
  const look = known?.pieces.findLast(({ evidence }) => evidence.kind === "gpus")?.evidence;
  const found: string[] = [];
  if (verdict.state !== "healthy") found.push(verdict.reason);
  if (!isReady(nodeOf(decided, server))) found.push("its kubelet is not ready");
  if (look?.kind !== "gpus") found.push("its GPUs have not been looked at yet");
  else if (look.found < look.expected) found.push(`${look.found} of ${look.expected} GPUs are there`);
  else if (look.gpus.some(({ processIds }) => processIds.length > 0)) found.push("processes still hold its GPUs");
  return found;
}

function bmcOf({ knowledge }: Decided, server: string): string {
  const url = knowledge.cluster.service.spec.servers[server]?.bmc?.url;
  if (url === undefined) throw new Error(`${server} has no BMC`);
  return url;
}
