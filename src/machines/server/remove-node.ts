import type { Remote } from "./remote.ts";
import { changing, script } from "./script.ts";

/**
 * Takes a server out of the cluster, from the control plane; a server that is not in it is fine. Other servers drop
 * their routes to it by themselves. The server's own files stay: see `resetServer`.
 *
 * @throws TandemError E_REMOTE, with nothing changed, where the API server does not say whether it is in it
 */
export async function removeNode(
  controlPlane: Remote,
  nodeName: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  await controlPlane.run(changing(script("remove-node")), {
    step: `remove ${nodeName} from the cluster`,
    values: { node_name: nodeName },
    timeoutMs: 120_000,
    ...(signal ? { signal } : {}),
  });
}
