import { FLAGS } from "../../plan/flags/catalogue.ts";
import { bad, type EngineInfo, type GroupFacts, good, type Verdict, worst } from "./facts.ts";

/** The pods of the group are all there and ready. */
export function podsRung({ id, pods, servers }: GroupFacts): Verdict {
  if (pods === null) return good("no pods here");
  const waiting = pods
    .filter(({ ready }) => !ready)
    .map(({ name, server }) => bad(`pod ${name} on ${server ?? "no server"} is not ready`));
  if (pods.length < servers.length) return bad(`group ${id} has ${pods.length} pods for ${servers.length} servers`);
  return worst([...waiting, good(`${pods.length} pods are ready`)]);
}

/**
 * Every pod runs the image that it asked for, and all of both groups the same one. Kubernetes tells the digest that the
 * server's runtime found; a tag that moved, or an image that was loaded by hand, shows there and nowhere else.
 */
export function imageRung(group: GroupFacts, active: GroupFacts): Verdict {
  if (group.pods === null) return good("no images here");
  const digestOf = (id: string | null) => /sha256:[0-9a-f]{64}/.exec(id ?? "")?.[0] ?? null;
  const same = group.revision === active.revision ? (active.pods ?? []) : [];
  const [wanted] = [...same, ...group.pods].flatMap(({ imageId }) => digestOf(imageId) ?? []);
  const wrong = group.pods.flatMap(({ name, image, imageId }) => {
    const digest = digestOf(imageId);
    if (digest === null) return [bad(`pod ${name} does not tell the digest of its image yet`)];
    const pinned = digestOf(image);
    // A pinned name may be that of an index of several architectures, whose digest is not the image's own.
    if (digest !== wanted)
      return [
        bad(
          `pod ${name} runs image ${short(digest)}, the active group ${short(wanted ?? "")}${pinned === null ? "" : ` (asked for ${short(pinned)})`}`,
        ),
      ];
    return [];
  });
  return worst([...wrong, good(`all run image ${short(wanted ?? "")}`)]);
}

const short = (digest: string) => digest.slice(0, "sha256:".length + 12);

/** Arguments that differ between groups by their nature, and those that must never be shown. */
const OWN = new Set(["host", "port", "node_rank", "dist_init_addr", "nccl_port", "base_gpu_id", "config"]);
const SECRET = new Set(["api_key", "admin_api_key"]);
const FIELDS = [...new Set(Object.keys(FLAGS).map((flag) => flag.replace(/^--/, "").replaceAll("-", "_")))].filter(
  (field) => !OWN.has(field),
);

/** The engines run with the same arguments, by what each says of itself, and their pods ask for the same. */
export function flagsRung(
  group: GroupFacts,
  active: GroupFacts,
  engines: { standby: EngineInfo | null; active: EngineInfo | null },
): Verdict {
  if (engines.standby === null) return bad(`the engine of group ${group.id} has not told its arguments yet`);
  if (group.revision !== active.revision) return good("another revision than the active group, as the spec asks for");
  const { standby: mine, active: theirs } = engines;
  if (theirs === null) return good("the active group has not told its arguments yet");
  if (mine.version !== theirs.version) return bad(`SGLang ${mine.version} runs, on the active group ${theirs.version}`);
  const different = FIELDS.filter((field) => JSON.stringify(mine[field]) !== JSON.stringify(theirs[field]));
  const told = different.map((field) =>
    SECRET.has(field)
      ? bad(`--${field.replaceAll("_", "-")} is another one than on the active group`)
      : bad(
          `--${field.replaceAll("_", "-")} is ${JSON.stringify(mine[field])}, on the active group ${JSON.stringify(theirs[field])}`,
        ),
  );
  return worst([...told, ...podArguments(group, active), good("the arguments are those of the active group")]);
}

function podArguments(group: GroupFacts, active: GroupFacts): Verdict[] {
  return (group.pods ?? []).flatMap((pod) => {
    const other = active.pods?.find(({ index }) => Math.min(1, index) === Math.min(1, pod.index));
    if (other === undefined || JSON.stringify(other.args) === JSON.stringify(pod.args)) return [];
    const word = pod.args.find((arg, at) => arg !== other.args[at]) ?? other.args[pod.args.length] ?? "";
    return [bad(`pod ${pod.name} has other arguments than ${other.name}, from ${word} on`)];
  });
}
