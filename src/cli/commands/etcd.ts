import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { TandemError } from "../../errors.ts";
import type { Remote } from "../../machines/server/remote.ts";
import { interrupted } from "../interrupted.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";

interface Common {
  spec: string;
}

/** `tandem etcd snapshot|restore FILE`: what the cluster knows, as a file. */
export function command(): Command {
  const etcd = new Command("etcd")
    .description("Save what the cluster knows into a file, and put it back.")
    .addHelpText(
      "after",
      "\nExamples:\n  tandem etcd snapshot before-upgrade.db --spec stacks/prod.yaml\n  tandem etcd restore before-upgrade.db --spec stacks/prod.yaml --yes",
    );
  etcd
    .command("snapshot")
    .description("Save etcd into FILE (mode 0600: it holds the cluster's secrets). Nothing stops.")
    .argument("<file>", "where to write the snapshot; must not exist")
    .option("--spec <file>", "the spec of the stack", "stacks/local.yaml")
    .addOption(outputOption())
    .action(async (file: string, { spec, output }: Common & { output: OutputFormat }) => {
      await mustNotExist(file);
      const saved = await withControlPlane(spec, `tandem etcd snapshot ${file} --spec ${spec}`, async (remote) => {
        const { snapshotEtcd } = await import("../../machines/server/etcd.ts");
        return snapshotEtcd(remote, resolve(file), { signal: interrupted() });
      });
      if (output !== "text") return printData(saved, output);
      process.stdout.write(`${file}: ${saved.keys} keys, ${saved.bytes} bytes, revision ${saved.revision}\n`);
    });
  etcd
    .command("restore")
    .description(
      "Put FILE in the place of what etcd holds. The API server is away for about half a minute; pods go on.",
    )
    .argument("<file>", "a snapshot")
    .option("--spec <file>", "the spec of the stack", "stacks/local.yaml")
    .option("--yes", "really do it: everything that was written after the snapshot is lost")
    .action(async (file: string, { spec, yes = false }: Common & { yes?: boolean }) => {
      if (!yes) throw unconfirmed(file);
      await mustExist(file);
      process.stderr.write(`restoring ${file}: the API server stops for about half a minute …\n`);
      await withControlPlane(spec, `tandem etcd restore ${file} --spec ${spec} --yes`, async (remote) => {
        const { restoreEtcd } = await import("../../machines/server/etcd.ts");
        await restoreEtcd(remote, resolve(file), { signal: interrupted() });
      });
      process.stdout.write(`etcd holds ${file} again, and the API server answers\n`);
    });
  return etcd;
}

async function withControlPlane<T>(file: string, resume: string, work: (remote: Remote) => Promise<T>): Promise<T> {
  const { loadSpec } = await import("../load-spec.ts");
  const { controlPlaneOf } = await import("../../machines/server/targets.ts");
  const { openRemote } = await import("../../machines/server/remote.ts");
  const remote = openRemote(controlPlaneOf(loadSpec(file), file), { resume });
  try {
    return await work(remote);
  } finally {
    await remote.close();
  }
}

async function mustNotExist(file: string): Promise<void> {
  const there = await access(file).then(
    () => true,
    () => false,
  );
  if (!there) return;
  throw new TandemError({
    code: "E_FILE_EXISTS",
    what: `${file} was not written`,
    why: "there is a file of that name, and a snapshot is never overwritten",
    fix: "give another name",
  });
}

async function mustExist(file: string): Promise<void> {
  await access(file).catch((cause) => {
    throw new TandemError({
      code: "E_NO_FILE",
      what: `cannot restore ${file}`,
      why: "there is no such file that can be read",
      fix: "give the path of a file that `tandem etcd snapshot` wrote",
      cause,
    });
  });
}

function unconfirmed(file: string): TandemError {
  return new TandemError({
    code: "E_UNCONFIRMED",
    what: `${file} was not restored`,
    why: "everything that was written to the cluster after the snapshot would be lost",
    fix: "run the same command again with --yes",
  });
}
