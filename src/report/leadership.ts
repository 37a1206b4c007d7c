import { RECONCILER } from "../manifests/names.ts";
import { ago } from "./decision.ts";

/** Who looks after a stack, by the reconciler's Lease. */
export interface Leadership {
  /** Where the Lease stands. */
  namespace: string;
  /** Who holds it; null while nobody does. */
  leader: string | null;
  /** ISO 8601, by the clock of whoever wrote it; null where nobody ever did. */
  renewedAt: string | null;
  /** How old that was when it was read, by the clock that it was compared with. */
  renewedSecondsAgo: number | null;
  /** Nobody leads: what the reconciler has written is from then. */
  stale: boolean;
}

/** The part of a Lease's spec that tells who leads. */
export interface LeaseSpec {
  holderIdentity?: string;
  renewTime?: string;
  leaseDurationSeconds?: number;
}

/** The present time, and whose it is. */
export interface Clock {
  wallMs: number;
  of: "api-server" | "this-computer";
}

/** What client-go takes where a Lease does not say. */
const DURATION_SECONDS = 15;
/**
 * What a Lease may be older than its duration: the next replica needs a moment to take it, and whoever renews it reads another
 * clock than the one compared with. The API server's is that of a server of the same cluster, and whole seconds; a computer at
 * somebody's desk may be further away.
 */
const MARGIN_MS = { "api-server": 10_000, "this-computer": 60_000 };

/** Reads a Lease at one moment. A renewal that is still to come, by the clock compared with, is one of now. */
export function leadershipOf(namespace: string, spec: LeaseSpec, { wallMs, of }: Clock): Leadership {
  const { holderIdentity = "", renewTime = "", leaseDurationSeconds = DURATION_SECONDS } = spec;
  const agoMs = wallMs - Date.parse(renewTime);
  const isKnown = Number.isFinite(agoMs);
  // Whoever ends in order gives it back, and the next replica takes it within seconds: so it goes in every update.
  const validMs = holderIdentity === "" ? 0 : leaseDurationSeconds * 1_000;
  const stale = !isKnown || agoMs > validMs + MARGIN_MS[of];
  return {
    namespace,
    leader: holderIdentity === "" ? null : holderIdentity,
    renewedAt: isKnown ? renewTime : null,
    renewedSecondsAgo: isKnown ? Math.max(0, Math.round(agoMs / 1_000)) : null,
    stale,
  };
}

/** Since when nobody leads, what that means for what is shown, and what to do, for a person. */
export function leaderlessText({ namespace, leader, renewedAt, renewedSecondsAgo }: Leadership): string {
  // By the clock that it was compared with: the reader's may be another one.
  const when =
    renewedAt === null || renewedSecondsAgo === null
      ? null
      : ago(renewedAt, Date.parse(renewedAt) + renewedSecondsAgo * 1_000);
  const what =
    when === null
      ? "nobody ever renewed the reconciler's lease"
      : leader === null
        ? `the reconciler gave its lease back ${when}`
        : `${leader} last renewed the reconciler's lease ${when}`;
  const pods = `kubectl -n ${namespace} get pods -l app.kubernetes.io/name=${RECONCILER} -o wide`;
  const logs = `kubectl -n ${namespace} logs deploy/${RECONCILER}`;
  return `${what}; what the reconciler says below is from then. To do: ${pods}; ${logs}`;
}
