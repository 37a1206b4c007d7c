/** Faults of one engine process that are switched on from outside (`/run/tandem/engine.sock`). All off at the start. */
export interface Faults {
  /** Steps do not finish until cleared; sockets stay open. */
  hang: boolean;
  /** Every step takes this many times as long. */
  slowFactor: number;
  /** Every n-th token of the answers carries a wrong tag; 0 is never. */
  wrongEvery: number;
  /** A prompt that contains `marker` crashes the engine: in its prefill, or when it has written `atToken` tokens. */
  poison: { marker: string; atToken: number | null } | null;
}

export const noFaults = (): Faults => ({ hang: false, slowFactor: 1, wrongEvery: 0, poison: null });

/** What a scheduler process dies of: the emulated form of a Python exception. */
export class SchedulerException extends Error {}

/** The text of the `count`-th token as the engine sends it: with a foreign tag if the fault says so. */
export function alterText({ wrongEvery }: Faults, text: string, count: number): string {
  if (wrongEvery === 0 || count % wrongEvery !== 0) return text;
  return text.replace(/^[0-9a-f]/, (digit) => (digit === "0" ? "f" : "0"));
}

/** Throws if this request is the poisonous one at this point: `written` tokens so far, null in its prefill. */
export function assertNoPoison(
  { poison }: Faults,
  request: { probe: boolean; message: string },
  written: number | null,
): void {
  if (poison === null || request.probe || poison.atToken !== written) return;
  if (request.message.includes(poison.marker))
    throw new SchedulerException("CUDA error: an illegal memory access was encountered");
}

/** One line of the control socket, checked. */
export type Order =
  | { kind: "status" }
  | { kind: "clear" }
  | { kind: "hang" }
  | { kind: "slow"; factor: number }
  | { kind: "wrong-answer"; every: number }
  | { kind: "poison"; marker: string; atToken: number | null }
  | { kind: "crash-rank"; rank: number; signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" }
  /** A Python exception inside a scheduler, as a bad request or an illegal memory access raises. */
  | { kind: "exception" };

/** Reads `{"fault": KIND, …}` or `{"status": true}`; the error says what is wrong with it. */
export function parseOrder(line: string): Order {
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(line) as Record<string, unknown>;
  } catch {
    throw new Error("want one line of JSON");
  }
  if (typeof raw !== "object" || raw === null) throw new Error("want a JSON object");
  if (raw.status === true) return { kind: "status" };
  const number = (name: string, fallback: number) => {
    const value = raw[name] ?? fallback;
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0)
      throw new Error(`${name}: want a number of at least 0, got ${JSON.stringify(value)}`);
    return value;
  };
  switch (raw.fault) {
    case "clear":
    case "hang":
    case "exception":
      return { kind: raw.fault };
    case "slow":
      return { kind: "slow", factor: Math.max(1, number("factor", 4)) };
    case "wrong-answer":
      return { kind: "wrong-answer", every: Math.max(1, number("every", 1)) };
    case "crash-rank":
    case "stop-rank":
    case "continue-rank": {
      const signal = raw.fault === "crash-rank" ? "SIGKILL" : raw.fault === "stop-rank" ? "SIGSTOP" : "SIGCONT";
      return { kind: "crash-rank", rank: number("rank", 0), signal };
    }
    case "poison":
      if (typeof raw.marker !== "string" || raw.marker === "") throw new Error("marker: want a non-empty text");
      return { kind: "poison", marker: raw.marker, atToken: typeof raw.at === "number" ? raw.at : null };
    default:
      throw new Error(
        `fault: want clear, hang, slow, wrong-answer, poison, exception, crash-rank, stop-rank or continue-rank, got ${JSON.stringify(raw.fault)}`,
      );
  }
}
