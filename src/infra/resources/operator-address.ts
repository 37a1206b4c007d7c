import type { Remote } from "../../machines/server/remote.ts";
import type { Node } from "./shapes.ts";

// sudo drops the variable, so it is looked for in the processes above.
const WHO_IS_THERE = `
pid=$$
while [ "$pid" -gt 1 ]; do
  address=$(tr '\\0' '\\n' < "/proc/$pid/environ" | sed -n 's/^SSH_CLIENT=\\([^ ]*\\).*/\\1/p')
  if [ -n "$address" ]; then echo "$address"; exit 0; fi
  pid=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")
done`;

/**
 * The node with the operator's computer among those who may use the stack's ports, by the address that the server sees:
 * the rest of the update talks to the API server from there, and `tandem status` to the gateway on whatever server holds
 * its address. Local machines know it already.
 */
export async function admitOperator(remote: Remote, node: Node, signal: AbortSignal): Promise<Node> {
  if (node.local) return node;
  const address = (await remote.run(WHO_IS_THERE, { step: "find the operator's address", signal })).trim();
  const { firewall } = node;
  if (address === "" || firewall.admins.includes(address)) return node;
  return { ...node, firewall: { ...firewall, admins: [...firewall.admins, address] } };
}
