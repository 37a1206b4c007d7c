import { z } from "zod";

/** A role as another process or an earlier run wrote it: what this version does not know is left out. */
export const RoleSchema = z.object({
  active: z.string(),
  epoch: z.int().min(0),
  reason: z.string().max(500),
  why: z.string().max(50).optional(),
  members: z
    .record(z.string(), z.array(z.string()))
    .refine((members) => new Set(Object.values(members).flat()).size === Object.values(members).flat().length, {
      error: "a server is in one group alone",
    })
    .optional(),
  servers: z
    .record(z.string(), z.strictObject({ agent: z.url(), engine: z.url().optional() }))
    .refine((servers) => Object.keys(servers).length > 0, { error: "want at least one server" })
    .optional(),
});
