import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import { readStackSecrets } from "../../infra/stack/stack-secrets.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { STACK_LABEL } from "../../manifests/names.ts";
import { DrillList } from "../../reconciler/dashboard/drill-list.ts";
import { readDrillNotes } from "../../reconciler/dashboard/drill-notes.ts";
import { Feed } from "../../reconciler/dashboard/feed.ts";
import { EvidenceBook } from "../../reconciler/evidence-book.ts";
import { Gateways } from "../../reconciler/gateways.ts";
import { subscribe } from "../../stream/subscribe.ts";
import { serviceAccess } from "../service/access.ts";
import { followService } from "../service/follow.ts";
import { whoAsks } from "../service/write.ts";
import { stackAccess, unknownStack } from "../stack-access.ts";

/** Until gateways, agents and the API server have answered once, or do not. */
const FIRST_LOOK_MS = 1_500;
const BEAT_MS = 2_000;

export interface WatchedStack {
  feed: Feed;
  /** Resolves when there is enough to show. */
  ready: Promise<void>;
  close(): Promise<void>;
}

/**
 * Hears a stack itself, as a replica of the reconciler does: agents, gateways, the ModelService. Each goes on without the others.
 *
 * @throws TandemError E_NO_STACK
 */
export async function watchStack(stack: string): Promise<WatchedStack> {
  const { adminToken, plan } = await stackAccess(stack);
  const secrets = await readStackSecrets(stack);
  if (secrets === undefined) throw unknownStack(stack);
  const access = await serviceAccess({ stack });
  const end = new AbortController();
  let service: ModelService | Error = new Error("the API server has not answered yet");
  let answeredMs = performance.now();
  const log = pino({ level: "silent" });
  const evidence = new EvidenceBook(subscribe, () => secrets["agent-token"], { onNews: () => feed.changed() });
  const gateways = new Gateways(
    () => adminToken,
    () => feed.changed(),
    (heard) => feed.heard(heard),
  );
  const path = `/apis/tandem.dev/v1alpha1/namespaces/${access.namespace}/drills`;
  const read = () => readDrillNotes(access.client, path, `${STACK_LABEL} in (${stack})`);
  const drills = new DrillList(read, () => feed.changed(), log);
  const feed = new Feed({
    stack,
    by: whoAsks(),
    service: () => service,
    answeredMs: () => answeredMs,
    evidence: () => evidence.servers,
    gateways: () => gateways.present(performance.now()),
    drills: () => drills.notes,
  });
  // What the plan knows is asked at once, also without an API server.
  const { modelService } = await import("../../manifests/model-service/model-service.ts");
  const hear = ({ spec }: Pick<ModelService, "spec">) => {
    evidence.follow(Object.fromEntries(Object.entries(spec.servers).map(([name, { agent }]) => [name, agent])));
    gateways.follow(spec.gateways);
  };
  hear(modelService(plan));
  const first = Promise.withResolvers<void>();
  const following = (async () => {
    for await (const now of followService(access, end.signal)) {
      service = now;
      hear(now);
      // Moves and drills come with a change of the status: a cheap sign that there may be another record.
      drills.see([{ metadata: { name: `${now.status?.epoch} ${now.status?.decision.reason}` } }]);
      feed.changed();
      first.resolve();
    }
  })().catch((error: unknown) => {
    service = error as Error;
    first.resolve();
    feed.changed();
  });
  // A watch that is quiet and one that is dead look alike.
  const beats = setInterval(() => {
    const askedMs = performance.now();
    void access.client.json({ method: "GET", path: "/version", timeoutMs: BEAT_MS }).then(
      () => {
        answeredMs = askedMs;
      },
      () => {},
    );
  }, BEAT_MS);
  // An API server that is away is waited for no longer than a person would.
  const timer = setTimeout(() => {
    if (service instanceof Error) service = new Error("the API server does not answer");
    first.resolve();
  }, FIRST_LOOK_MS * 2);
  // Whoever leaves before that is not kept waiting.
  const look = () => delay(FIRST_LOOK_MS, undefined, { signal: end.signal }).catch(() => {});
  const ready = first.promise.then(look);
  return {
    feed,
    ready,
    close: async () => {
      clearTimeout(timer);
      clearInterval(beats);
      end.abort();
      evidence.close();
      gateways.close();
      await following;
      await access.client.close();
    },
  };
}
