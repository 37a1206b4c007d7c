import { z } from "zod";
import { LastFailover } from "../stream/last-failover.ts";

/** What `GET /status` of a gateway answers, as far as it is used here; fields that an older release does not have get what it meant. */
export const GatewayStatus = z.looseObject({
  /** Missing in an older release, which answers at once whatever it is asked to wait for. */
  version: z.int().optional(),
  active: z.string().nullable(),
  standby: z.string().nullable().default(null),
  model: z.string().default(""),
  epoch: z.int(),
  choice: z.enum(["use", "hold", "shed"]).default("use"),
  reason: z.string().default(""),
  role: z.looseObject({ active: z.string(), epoch: z.int() }),
  groups: z.record(
    z.string(),
    z.looseObject({
      servers: z.array(z.string()).default([]),
      requests: z.number().default(0),
      tokens: z.number().default(0),
      state: z.string().default("clear"),
      reason: z.string().default(""),
      /** Missing in an older release. */
      answeredMs: z.number().nullable().default(null),
    }),
  ),
  /** Missing in an older release, which is no witness then. */
  servers: z
    .record(
      z.string(),
      z.looseObject({
        stream: z.enum(["open", "closed", "never"]),
        silentMs: z.number().nullable(),
        /** Where it is heard; missing in an older release. */
        agent: z.string().optional(),
      }),
    )
    .default({}),
  gapMs: z.number().nullable().default(null),
  lastFailover: LastFailover.nullable().default(null),
});

export type GatewayStatus = z.infer<typeof GatewayStatus>;
