import type { LiveObject } from "../../kube/objects.ts";
import type { ClusterSnapshot } from "../cluster.ts";
import { type Moment, monotonicOf } from "./clock.ts";
import { FirstSeen, type Seen } from "./first-seen.ts";
import type { Knowledge } from "./knowledge.ts";
import { notesOf, quarantineOf, treatmentOf } from "./records.ts";

/** What nodes and LeaderWorkerSets record with a time of the writer's clock, on the clock of this process. */
export class SeenTimes {
  readonly #seen = new FirstSeen();

  of(
    cluster: ClusterSnapshot,
    moment: Moment,
  ): Pick<Knowledge, "isolations" | "treatments" | "powerOffs" | "validations" | "runs"> {
    const { nodes, sets, service, atMs } = cluster;
    const first = (what: string, recorded: string | null): Seen | null => {
      const recordedMs = recorded === null ? 0 : monotonicOf(moment, recorded);
      return this.#seen.see(what, recorded, { recordedMs, readMs: atMs, nowMs: moment.monoMs });
    };
    const each = <Of>(
      what: string,
      all: Iterable<readonly [string, Of]>,
      recorded: (one: Of) => string | undefined | null,
    ) => {
      const found = new Map<string, Seen>();
      for (const [name, one] of all) {
        const seen = first(`${what} of ${name}`, recorded(one) ?? null);
        if (seen !== null) found.set(name, seen);
      }
      return found;
    };
    const groups = service.spec.groups.map(({ id, workload }): [string, LiveObject | undefined] => [
      id,
      sets.get(workload),
    ]);
    const records = [...nodes].map(([name, node]) => [name, { node, record: quarantineOf(node) }] as const);
    return {
      isolations: each("quarantine", records, ({ record }) => record?.since),
      treatments: each("treatment", records, ({ node, record }) => treatmentOf(node, record)?.at),
      powerOffs: each("power-off", records, ({ record }) => record?.powerOffAskedAt),
      validations: each("validation", records, ({ record }) => record?.validatedAt),
      runs: each("run", groups, (set) => notesOf(set).runSince),
    };
  }
}
