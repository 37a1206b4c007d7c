import { error, type Finding } from "./finding.ts";
import type { Expectation } from "./judge-server.ts";
import type { ServerFacts } from "./server-facts.ts";

const RDMA_ACTIVE = 4;

/** GPUs, RDMA ports and the network between the servers, against what the spec says of them. */
export function* judgeHardware(facts: ServerFacts, wanted: Expectation): Generator<Finding> {
  yield* accelerators(facts, wanted);
  yield* network(facts, wanted);
}

function* accelerators(facts: ServerFacts, wanted: Expectation): Generator<Finding> {
  if (wanted.gpus === 0) return;
  const { gpus } = facts;
  if (gpus.length !== wanted.gpus) {
    yield error(
      "E_GPU_COUNT",
      gpus.length === 0 ? "no GPU" : `${gpus.length} GPUs`,
      `${facts.gpuError ?? `nvidia-smi lists ${gpus.length}`}, the spec says ${wanted.gpus}`,
      gpus.length === 0
        ? "install NVIDIA's driver and look at dmesg for NVRM lines"
        : "look at dmesg for XIDs and at lspci for a card that fell off the bus",
    );
  }
  const [kind = ""] = (wanted.gpuKind ?? "").split("-");
  // As a word: an H200 is no H20, and a GB200 no B200.
  const isKind = new RegExp(`\\b${kind}\\b`);
  const wrong = gpus.find(({ name }) => kind !== "" && !isKind.test(name));
  if (wrong)
    yield error(
      "E_GPU_KIND",
      `GPU ${wrong.index} is a ${wrong.name}`,
      `the spec says ${wanted.gpuKind}`,
      "correct servers.*.gpu in the spec",
    );
  if (gpus.length > 0 && !wanted.local && !facts.programs.includes("nvidia-container-runtime")) {
    yield error(
      "E_GPU_RUNTIME",
      "containers cannot use the GPUs",
      "nvidia-container-runtime is not installed",
      "install the package nvidia-container-toolkit from NVIDIA's repository",
    );
  }
  for (const device of wanted.rdmaDevices ?? []) {
    const ports = facts.rdma.filter((port) => port.device === device);
    const down = ports.filter(({ state }) => state !== RDMA_ACTIVE);
    if (ports.length > 0 && down.length === 0) continue;
    yield error(
      "E_RDMA",
      `RDMA device ${device} ${ports.length === 0 ? "is missing" : "has no link"}`,
      ports.length === 0
        ? `the server has ${facts.rdma.map((port) => port.device).join(", ") || "none"}`
        : `port ${down[0]?.port} is in state ${down[0]?.state}, active is ${RDMA_ACTIVE}`,
      "check the cable and the subnet manager (ibstat), or correct network.rdma.devices in the spec",
    );
  }
}

function* network(facts: ServerFacts, wanted: Expectation): Generator<Finding> {
  if (facts.missingPrograms.includes("iproute2")) return;
  const own = facts.addresses.find(({ address }) => address === wanted.address);
  if (own === undefined) {
    yield error(
      "E_ADDRESS",
      `the server does not have the address ${wanted.address}`,
      `it has ${facts.addresses.map(({ address }) => address).join(", ")}; the other servers must reach it without translation`,
      "correct the server's address in the spec",
    );
  } else if (wanted.interface !== undefined && own.interface !== wanted.interface) {
    yield error(
      "E_INTERFACE",
      `${wanted.address} is on ${own.interface}`,
      `the spec says ${wanted.interface}`,
      "correct network.interface in the spec: NCCL and the engine bind to it",
    );
  }
  for (const { address, reach } of facts.peers.filter((peer) => peer.reach !== "neighbour")) {
    const why = {
      routed: "a router lies between",
      silent: "nobody answers its ARP request",
      none: "there is no route to it",
    }[reach as "routed" | "silent" | "none"];
    yield error(
      "E_L2",
      `${address} is not a neighbour`,
      `${why}; pod routes need all servers in one L2 segment`,
      reach === "silent" ? "check that it is on and in the same VLAN" : "put all servers of the stack into one subnet",
    );
  }
}
