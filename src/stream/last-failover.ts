import { z } from "zod";

/** The last move of a gateway that nobody had planned, as its status tells it and as everybody reads it there. */
export const LastFailover = z.looseObject({
  /** Wall clock, ISO 8601. */
  at: z.string(),
  from: z.string(),
  to: z.string(),
  reason: z.string(),
  /** The longest time that a carried stream went without a token; null while none has gone on. */
  gapMs: z.number().nullable(),
  /** Streams that went on in the other group. */
  carried: z.number(),
});
export type LastFailover = z.infer<typeof LastFailover>;
