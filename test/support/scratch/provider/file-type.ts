import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { type Operation, type ResourceType, UnfinishedResource } from "../../../../src/infra/provider/resource-type.ts";

interface Inputs {
  path: string;
  content: string;
  password?: string;
  /** Every operation is written here as one line, so that a test sees what really ran. */
  journal: string;
  slowMs?: number;
  /** The create fails after the file was written, while a file of this name exists. */
  brokenWhile?: string;
  /** The create fails before anything was written, and its message quotes the password. */
  refuses?: boolean;
}
interface Outputs {
  digest: string;
}

async function write(inputs: Inputs, verb: string, operation: Operation): Promise<Outputs> {
  await appendFile(inputs.journal, `${verb} ${inputs.path}\n`);
  if (inputs.refuses) throw new Error(`refused with the password ${inputs.password}`);
  operation.progress(`writing ${inputs.path} with the password ${inputs.password}`);
  try {
    if (inputs.slowMs) await delay(inputs.slowMs, undefined, { signal: operation.signal });
  } catch (cause) {
    await appendFile(inputs.journal, `aborted ${inputs.path}\n`);
    throw cause;
  }
  await writeFile(inputs.path, inputs.content);
  const outputs = { digest: createHash("sha256").update(inputs.content).digest("hex") };
  if (inputs.brokenWhile && existsSync(inputs.brokenWhile)) {
    throw new UnfinishedResource(inputs.path, outputs, new Error("written, but not ready"));
  }
  return outputs;
}

/** One file on disk: the smallest thing that can be created, drift, be changed in place, replaced and removed. */
export const fileType: ResourceType<Inputs, Outputs> = {
  token: "filebox:index:File",
  inputs: z.strictObject({
    path: z.string().startsWith("/", "must be absolute"),
    content: z.string(),
    password: z.string().optional(),
    journal: z.string(),
    slowMs: z.number().optional(),
    brokenWhile: z.string().optional(),
    refuses: z.boolean().optional(),
  }),
  outputs: { digest: "SHA-256 of the content" },
  secrets: ["password"],
  replaceOn: ["path"],
  changedByUpdate: ["digest"],
  create: async (inputs, operation) => ({ id: inputs.path, outputs: await write(inputs, "create", operation) }),
  async read({ inputs, outputs }) {
    await appendFile(inputs.journal, `read ${inputs.path}\n`);
    if (!existsSync(inputs.path)) return null;
    return {
      inputs: { ...inputs, content: await readFile(inputs.path, "utf8") },
      outputs: { digest: outputs.digest ?? "" },
    };
  },
  update: (_existing, inputs, operation) => write(inputs, "update", operation),
  async remove({ inputs }) {
    await appendFile(inputs.journal, `remove ${inputs.path}\n`);
    await rm(inputs.path, { force: true });
  },
};

export function journalOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
}
