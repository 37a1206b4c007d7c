import type { Draft } from "../draft.ts";
import { type Problem, problem, type SpecPath } from "../problem.ts";
import { itemsOf } from "./read.ts";

const RDMA: SpecPath = ["network", "rdma"];

/** What each kind of fabric needs; a field that would silently do nothing is refused. */
export function rdmaRules({ network }: Draft): Problem[] {
  const rdma = network?.rdma;
  if (rdma?.kind === undefined) return [];
  const { kind, gidIndex } = rdma;
  const devices = itemsOf(rdma.devices);
  const found: Problem[] = devices
    .filter(({ item, index }) => devices.some((other) => other.item === item && other.index < index))
    .map(({ item, index }) =>
      problem("E_SPEC_RDMA", [...RDMA, "devices", index], {
        what: `${item} is named twice`,
        why: "NCCL and NVSHMEM take the list as it is, and two ranks would share one port",
        fix: "name every device once",
      }),
    );
  if (
    kind === "none" &&
    (devices.length > 0 || gidIndex !== undefined || rdma.resource !== undefined || rdma.privileged === true)
  ) {
    found.push(
      problem("E_SPEC_RDMA", [...RDMA, "kind"], {
        what: "network.rdma.kind is none and other fields of it are set",
        why: "without RDMA they would do nothing",
        fix: "set kind to infiniband or roce, or remove the other fields",
      }),
    );
  }
  if (kind !== "none" && rdma.devices !== undefined && rdma.devices.length === 0) {
    found.push(
      problem("E_SPEC_RDMA", [...RDMA, "kind"], {
        what: `network.rdma.kind is ${kind} and there are no devices`,
        why: "without an exact list NCCL also picks the ports of the storage network",
        fix: "add devices, e.g. [mlx5_0, mlx5_1]; `ibdev2netdev` on a server lists them",
      }),
    );
  }
  if (kind === "roce" && gidIndex === undefined) {
    found.push(
      problem("E_SPEC_RDMA", [...RDMA, "kind"], {
        what: "network.rdma.kind is roce and gidIndex is missing",
        why: "NVSHMEM's default GID 0 is link-local RoCEv1, which does not cross a router",
        fix: "add gidIndex: the number of the RoCE v2 entry with your IPv4 address in `show_gids`, often 3",
      }),
    );
  }
  if (kind === "infiniband" && gidIndex !== undefined) {
    found.push(
      problem("E_SPEC_RDMA", [...RDMA, "gidIndex"], {
        what: "network.rdma.gidIndex is set for infiniband",
        why: "InfiniBand has one GID for each port; a RoCE index selects an empty entry and NCCL does not start",
        fix: "remove gidIndex",
      }),
    );
  }
  return found;
}
