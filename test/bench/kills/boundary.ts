/** A place in `tandem up` that its own output shows. */
export interface Boundary {
  /** The same for all servers and all objects of a kind, e.g. `WorkerNode: kubeadm join`. */
  name: string;
  /** The machine that the line speaks of. */
  machine?: string;
}

const RESOURCE =
  /^ [ +~-]+ +tandem:index:(\w+) (\S+) (creating|created|updating|updated)\b(?: failed)?(?: \([^)]*\))?(.*)$/;
const ON_A_MACHINE = ["LocalMachine", "PreparedServer", "ControlPlaneNode", "SettledControlPlane", "WorkerNode"];
const WAITED_FOR = ["CustomResourceDefinition", "Deployment", "ModelService"];
/** A step of `tandem up` itself, before Pulumi begins: `   3.8 s  machine image: done in 0.8 s`. */
const STEP = /^ *[\d.]+ s {2}([a-z ]+): done/;

/** The boundary that a line of output marks: a step has begun, or one has just ended; `null` for all other lines. Pure. */
export function boundaryOf(line: string): Boundary | null {
  const step = STEP.exec(line)?.[1];
  if (step !== undefined) return { name: `${step}: done` };
  const [, type = "", name = "", state = "", rest = ""] = RESOURCE.exec(line.trimEnd()) ?? [];
  if (type === "") return null;
  if (!ON_A_MACHINE.includes(type)) return { name: `${kindOf(name)}: ${plain(state)}` };
  // Names and counts differ from machine to machine, the step is one.
  const what = rest
    .replace(/^ *\[diff: [^\]]*\](?:; )?/, "")
    .replace(/^ *\d+\/\d+ /, "")
    .replace(/^\d+ /, "")
    .replaceAll(name, "server")
    .trim();
  const isNew = plain(state) === "created";
  return { name: `${type}: ${isNew ? "created" : what || "creating"}`, machine: name };
}

/** To a kill the objects that are only written are one; on the others `tandem up` waits. */
function kindOf(name: string): string {
  const kind = name.split("/")[0] ?? "";
  return WAITED_FOR.includes(kind) ? kind : "other object";
}

function plain(state: string): string {
  return state.replace("updat", "creat");
}
