import { bad, type EngineInfo, type GroupFacts, good, type Verdict, worst } from "./facts.ts";
import { latest, latestEach } from "./latest.ts";
import type { ReadinessRules } from "./rules.ts";

/**
 * The weights that the next start of each server would load are whole, and the same as on the active group's servers: by names
 * and sizes of all files. What is inside them is proved by the answers.
 */
export function weightsRung(group: GroupFacts, active: GroupFacts): Verdict {
  const of = ({ servers }: GroupFacts) =>
    servers.map(({ evidence }) => ({
      server: evidence.server,
      folder: latest(evidence, "folder", ({ folder }) => folder === "weights"),
    }));
  const mine = of(group);
  const theirs = of(active);
  const all = [...mine, ...theirs];
  if (all.every(({ folder }) => folder === null)) return good("no agent watches a folder of weights");
  // Emulated servers on a local cluster have an empty folder each; a real engine would not have started from one.
  if (all.every(({ folder }) => folder !== null && folder.files === 0)) return good("no server keeps weights in files");
  const [model] = theirs.flatMap(({ folder }) =>
    folder === null || group.revision !== active.revision ? [] : [folder],
  );
  const verdicts = mine.map(({ server, folder }) => {
    if (folder === null) return bad(`${server} has not told of its weights yet`);
    if (folder.state !== "complete") return bad(`${server}: ${folder.detail}`);
    if (folder.files === 0) return bad(`${server}: ${folder.path} is empty`);
    const other = model ?? mine.find((one) => one.folder !== null)?.folder;
    if (other !== undefined && other !== null && folder.digest !== other.digest)
      return bad(
        `the weights of ${server} are not those of the active group: ${sizeOf(folder)} against ${sizeOf(other)}`,
      );
    return good(`${sizeOf(folder)}, the same everywhere`);
  });
  return worst(verdicts);
}

const sizeOf = ({ files, bytes }: { files: number; bytes: number }) => `${files} files of ${bytes} bytes`;

/** Kernels that were compiled before are still there: without them the next start takes ten minutes more. */
export function kernelsRung(group: GroupFacts, active: GroupFacts, { kernelShare }: ReadinessRules): Verdict {
  const of = ({ servers }: GroupFacts) =>
    servers.map(({ evidence }) => ({
      server: evidence.server,
      folder: latest(evidence, "folder", ({ folder }) => folder === "kernel-cache"),
    }));
  const mine = of(group);
  const most = Math.max(0, ...[...of(active), ...mine].map(({ folder }) => folder?.files ?? 0));
  if (most === 0) return good("no server keeps compiled kernels");
  const few = mine.flatMap(({ server, folder }) => {
    if (folder === null) return [bad(`${server} has not told of its compiled kernels yet`)];
    if (folder.files >= most * kernelShare) return [];
    return [bad(`${server} has ${folder.files} compiled kernels of ${most}: its next start compiles them for minutes`)];
  });
  return worst([...few, good(`${mine.map(({ folder }) => folder?.files ?? 0).join(" + ")} files of compiled kernels`)]);
}

/** Room on the disks and in the memory of every server, and as much of the GPUs for the engine as on the active group. */
export function roomRung(
  group: GroupFacts,
  engines: { standby: EngineInfo | null; active: EngineInfo | null },
  rules: ReadinessRules,
): Verdict {
  const tight = group.servers.flatMap(({ evidence }) => {
    const { server } = evidence;
    const disks = [...latestEach(evidence, "disk", ({ path }) => path).values()].flatMap(
      ({ path, freeBytes, totalBytes }) =>
        freeBytes >= Math.min(rules.diskFreeBytes, totalBytes * rules.diskFree)
          ? []
          : [bad(`${server}: ${gib(freeBytes)} of ${gib(totalBytes)} are free on the disk of ${path}`)],
    );
    const memory = latest(evidence, "memory");
    const short =
      memory === null || memory.availableBytes >= Math.min(rules.memoryFreeBytes, memory.totalBytes * rules.memoryFree)
        ? []
        : [bad(`${server}: ${gib(memory.availableBytes)} of ${gib(memory.totalBytes)} of memory are left`)];
    return [...disks, ...short];
  });
  return worst([...tight, capacity(group, engines, rules)]);
}

function capacity(
  group: GroupFacts,
  engines: { standby: EngineInfo | null; active: EngineInfo | null },
  { capacityShare }: ReadinessRules,
): Verdict {
  const tokens = (info: EngineInfo | null) =>
    typeof info?.max_total_num_tokens === "number" ? info.max_total_num_tokens : null;
  const [mine, theirs] = [tokens(engines.standby), tokens(engines.active)];
  if (mine === null || theirs === null) return good("disks and memory have room");
  if (mine < theirs * capacityShare)
    return bad(`group ${group.id} has GPU memory for ${mine} tokens, the active group for ${theirs}`);
  return good(`disks and memory have room, the GPUs for ${mine} tokens`);
}

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
