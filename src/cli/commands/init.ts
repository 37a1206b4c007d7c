import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { TandemError } from "../../errors.ts";
import { parseSpec } from "../../spec/parse.ts";
import { PLACEHOLDER_DIGEST } from "../../spec/rules/image.ts";
import { scaffoldSpec } from "../../spec/scaffold.ts";
import { GPU_KINDS, MODEL_PRESETS } from "../../spec/schema.ts";
import { askForRest } from "../init/ask.ts";
import type { InitFlags } from "../init/flags.ts";
import { starterSpec } from "../init/starter-spec.ts";
import { SpecError } from "../load-spec.ts";
import { fileExists, writeFile } from "../write-file.ts";

const EXAMPLES = `
Examples:
  tandem init                                   asks on a terminal; else writes the local cluster
  tandem init prod.yaml --provision ssh --control-plane cp-1=10.0.0.10 \\
    --servers gpu-a=10.0.0.11,gpu-b=10.0.0.12,gpu-c=10.0.0.13,gpu-d=10.0.0.14 \\
    --group a=gpu-a,gpu-b --group b=gpu-c,gpu-d --interface ens10f0 --gateway 10.0.0.100
  tandem init - --name try                      prints it instead of writing it`;

/** `tandem init [FILE]`: writes a commented spec that passes `validate`. */
export function command(): Command {
  return new Command("init")
    .description("Write a spec with comments: every field, every default and the reason for it.")
    .argument("[file]", "where to write it; - prints it", "tandem.yaml")
    .option("--name <name>", "name of the stack")
    .option("--provision <kind>", "local, ssh or existing")
    .option("--servers <name=address,…>", "GPU servers")
    .option("--gpu <kind>", `GPUs of every server: ${GPU_KINDS.join(", ")}`)
    .option("--spares <names>", "servers in no group; left out, those that no group names")
    .option("--control-plane <name=address>", "control-plane server")
    .option("--group <id=names>", "servers of one engine; once for each group, the active one first", collect)
    .option("--model <preset>", MODEL_PRESETS.join(", "))
    .option("--weights <directory>", "checkpoint on every server")
    .option("--context-length <tokens>", "longest request")
    .option("--image <reference>", "SGLang image with its digest")
    .option("--optimize-for <aim>", "latency, throughput or context")
    .option("--interface <name>", "network interface of the servers")
    .option("--rdma <kind>", "infiniband, roce or none")
    .option("--rdma-devices <names>", "in the order of the GPUs")
    .option("--gid-index <number>", "RoCE v2 only")
    .option("--standby <mode>", "hot, spare, degraded or none; left out, what the servers allow")
    .option("--gateway <address>", "address that clients use")
    .option("--gateway-on <names>", "one or two places for its replicas")
    .option("--user <name>", "who logs in (ssh)")
    .option("--identity-file <file>", "private key (ssh)")
    .option("--known-hosts <file>", "host keys (ssh)")
    .option("--kubeconfig <file>", "of the cluster (existing)")
    .option("--force", "overwrite the file")
    .addHelpText("after", EXAMPLES)
    .action(init);
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

async function init(file: string, { force = false, ...flags }: InitFlags & { force?: boolean }): Promise<void> {
  // Before the questions: nobody should answer them for nothing.
  if (file !== "-" && !force && existsSync(file)) throw fileExists(file);
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
  const answers = isTerminal ? await askForRest(flags, process.stdin, process.stderr) : flags;
  refuseGaps(answers);
  const text = scaffoldSpec(starterSpec(answers), schemaPath(file));
  const checked = parseSpec(text, "new spec", { allowPlaceholder: true });
  if (!checked.ok) throw new SpecError("the new spec", text, checked.problems, "change the flags; nothing was written");
  if (file === "-") {
    process.stdout.write(text);
    return;
  }
  writeFile(file, text, { overwrite: force });
  process.stdout.write(`wrote ${file}\n${nextSteps(file, checked.spec.engine.image)}`);
}

/** What real servers need and nobody can guess. Every missing flag at once. */
function refuseGaps(flags: InitFlags): void {
  const kind = flags.provision ?? "local";
  const needed: [string, string | undefined][] = [];
  if (kind !== "local") needed.push(["--servers", flags.servers], ["--interface", flags.interface]);
  if (kind === "ssh" || (kind === "local" && flags.servers)) needed.push(["--control-plane", flags.controlPlane]);
  const missing = needed.filter(([, value]) => value === undefined).map(([flag]) => flag);
  if (missing.length === 0) return;
  throw new TandemError({
    code: "E_INIT_MISSING",
    what: `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing`,
    why: `nobody can guess them for provision ${kind}, and without a terminal nobody can be asked`,
    fix: `add ${missing.length === 1 ? "it" : "them"}; \`tandem init --help\` has an example`,
  });
}

/** The schema of this copy of Tandem, as seen from the file, for editors. */
function schemaPath(file: string): string {
  // Upwards from here: a clone, the emitted files and the bundle keep it at different heights.
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "stacks", "tandem.schema.json")) && folder !== dirname(folder))
    folder = dirname(folder);
  const from = file === "-" ? process.cwd() : dirname(resolve(file));
  return join(relative(from, folder), "stacks", "tandem.schema.json");
}

function nextSteps(file: string, image: string): string {
  const digest = image.endsWith(PLACEHOLDER_DIGEST)
    ? `  put the digest into engine.image: docker buildx imagetools inspect ${image.split("@")[0]}\n`
    : "";
  return `${digest}  tandem validate ${file}\n  tandem plan ${file}\n`;
}
