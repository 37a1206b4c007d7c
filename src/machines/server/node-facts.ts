import { z } from "zod";
import type { Remote } from "./remote.ts";
import { script } from "./script.ts";

const NodeFacts = z.object({
  /** systemd's word for the container it runs in ("docker"), or "none" on hardware and in a virtual machine. */
  container: z.string(),
  cgroup: z.union([z.literal(1), z.literal(2)]),
  /** CAP_SYS_RESOURCE is there: without it no process may lower its OOM score. */
  sysResource: z.boolean(),
  cniFolder: z.string(),
  /** Path of NVIDIA's container runtime, or "". */
  nvidiaRuntime: z.string(),
});

/** What differs between servers and decides how one is set up; read from the server, never from the spec. */
export type NodeFacts = z.infer<typeof NodeFacts>;

export async function readNodeFacts(remote: Remote, signal?: AbortSignal): Promise<NodeFacts> {
  const text = await remote.run(script("node-facts"), { step: "look at the server", ...(signal ? { signal } : {}) });
  return NodeFacts.parse(JSON.parse(text));
}
