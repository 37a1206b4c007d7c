import { filesStep } from "./files-step.ts";
import type { NodeConfig } from "./node-config.ts";
import { networkFiles } from "./pod-network.ts";
import type { Remote } from "./remote.ts";
import type { Step } from "./step.ts";

/**
 * Pod routes and host firewall of a server that belongs to a cluster. They come last: until then nothing closes a port.
 *
 * @param apiAddress address of the control plane's server
 */
export function networkStep(remote: Remote, config: NodeConfig, apiAddress: string): Step {
  return filesStep(remote, "pod network and firewall", networkFiles(config, apiAddress), {
    also: `
for unit in tandem-firewall tandem-network; do systemctl is-active -q $unit && systemctl is-enabled -q $unit || exit 1; done
nft list chain inet tandem strangers > /dev/null 2>&1`,
    after: `
own_file /etc/cni/net.d/10-tandem.conflist
systemctl daemon-reload
systemctl enable -q tandem-firewall tandem-network
systemctl restart tandem-firewall tandem-network`,
  });
}
