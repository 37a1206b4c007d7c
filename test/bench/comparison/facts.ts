import type { SeenRequest } from "../../../src/drill/arena.ts";
import type { StreamRecord } from "../../../src/drill/stream-record.ts";
import type { FaultClass } from "../../../src/report/rehearsal.ts";

/** Where a fault strikes: the server that proxies talk to, or one that they never see. */
export type Place = "rank 0" | "another";

/** What one fault did to all proxies at once, unjudged. */
export interface ComparisonFacts {
  fault: FaultClass;
  place: Place;
  atMs: number;
  /** Servers of the group that was struck. */
  struck: readonly string[];
  /** Requests that reached servers. */
  requests: readonly SeenRequest[];
  contenders: readonly {
    id: string;
    /** Streams that ran when the fault came. */
    streams: readonly StreamRecord[];
    /** Requests that came after it, in the order in which they were sent. */
    probes: readonly StreamRecord[];
  }[];
}
