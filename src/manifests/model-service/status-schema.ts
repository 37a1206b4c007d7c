import { REMEDIES } from "../../spec/remedies.ts";
import { count, flag, list, name, nullable, object, oneOf, ruled, type Schema, text, time } from "./fields.ts";
import { CONDITIONS, DECISIONS, GROUP_VERDICTS, MOVES, ROLES, RUNS, SERVER_VERDICTS } from "./resource.ts";

const group = object(
  {
    id: name,
    role: oneOf(ROLES),
    servers: list(name, 64),
    run: oneOf(RUNS),
    since: time,
    verdict: oneOf(GROUP_VERDICTS),
    reason: text(),
    revision: text(63),
    failedRevision: text(63),
  },
  ["failedRevision"],
);

const server = object(
  {
    name,
    group: nullable(name),
    verdict: oneOf(SERVER_VERDICTS),
    reason: text(),
    quarantine: object({ since: time, remedy: oneOf(REMEDIES), reason: text() }),
    fence: object({ fenced: flag, reason: text() }),
  },
  ["quarantine", "fence"],
);

const decision = object(
  { kind: oneOf(DECISIONS), reason: text(63), detail: text(), since: time, until: time, fix: text() },
  ["until", "fix"],
);

const move = object(
  { at: time, from: name, to: name, epoch: count(1), why: oneOf(MOVES), reason: text(), drill: name },
  ["drill"],
);

const takeover = object({
  ready: flag,
  reasons: list(text(), 50),
  rungs: list(object({ name: text(63), ok: flag, provenAt: nullable(time), detail: text() }), 50, ["name"]),
});

const condition = object(
  {
    type: oneOf(CONDITIONS),
    status: oneOf(["True", "False", "Unknown"]),
    reason: { ...text(1_024), pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$" },
    message: text(32_768),
    lastTransitionTime: time,
    observedGeneration: count(),
  },
  ["observedGeneration"],
);

/** The schema of `ModelServiceStatus`. A late writer is refused here too: the epoch only ever grows. */
export const statusSchema: Schema = ruled(
  object(
    {
      observedGeneration: count(),
      active: name,
      standby: nullable(name),
      epoch: count(1),
      redundancy: text(63),
      groups: list(group, 8, ["id"]),
      servers: list(server, 64, ["name"]),
      decision,
      moves: list(move, 20),
      takeover,
      handledRequest: object({ id: text(63), outcome: oneOf(["done", "refused"]), detail: text(), at: time }),
      conditions: list(condition, 8, ["type"]),
    },
    ["observedGeneration", "handledRequest"],
  ),
  { "self.epoch >= oldSelf.epoch": "the epoch only grows; this write was decided on an older one" },
);
