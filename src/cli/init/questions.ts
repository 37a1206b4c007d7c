import type { SpecPath } from "../../spec/problem.ts";
import { FOUR_BIT_PRESETS, MODEL_PRESETS } from "../../spec/schema-engine.ts";
import { GPU_KINDS } from "../../spec/schema-servers.ts";
import { type InitFlags, listOf } from "./flags.ts";
import { starterSpec } from "./starter-spec.ts";

export interface Question {
  flag: keyof InitFlags;
  ask: string;
  /** The answer must leave no problem below these paths. */
  paths: readonly SpecPath[];
  /** Taken when the answer is empty; undefined asks again. */
  fallback: (answers: InitFlags) => string | undefined;
  when?: (answers: InitFlags) => boolean;
}

const onReal = ({ provision }: InitFlags) => provision !== "local";
const withRdma = ({ rdma }: InitFlags) => rdma === "infiniband" || rdma === "roce";

/** What `tandem init` asks on a terminal, in this order; a question whose flag was given is left out. */
export const QUESTIONS: readonly Question[] = [
  {
    flag: "provision",
    ask: "Servers: local, ssh or existing",
    paths: [["provision", "kind"]],
    fallback: () => "local",
  },
  { flag: "name", ask: "Name of the stack", paths: [["name"]], fallback: (answers) => starterSpec(answers).name },
  {
    flag: "servers",
    ask: "GPU servers, as gpu-a=10.0.0.11,gpu-b=10.0.0.12",
    paths: [["servers"]],
    fallback: () => undefined,
    when: onReal,
  },
  {
    flag: "gpu",
    ask: `GPUs of each server: ${GPU_KINDS.join(", ")}`,
    paths: [["servers"]],
    fallback: () => "H100-80",
    when: onReal,
  },
  {
    flag: "controlPlane",
    ask: "Control-plane server, as cp-1=10.0.0.10",
    paths: [["controlPlane"]],
    fallback: () => undefined,
    when: ({ provision }) => provision === "ssh",
  },
  {
    flag: "group",
    ask: "Groups, the active one first, as a=gpu-a,gpu-b b=gpu-c,gpu-d",
    paths: [["groups"], ["spares"]],
    fallback: (answers) =>
      Object.entries(starterSpec(answers).groups)
        .map(([id, members]) => `${id}=${members.join(",")}`)
        .join(" "),
    when: onReal,
  },
  {
    flag: "model",
    ask: `Model: ${MODEL_PRESETS.join(", ")} (${FOUR_BIT_PRESETS.map((name) => name.split("-").at(-1)).join(", ")}: 4-bit, one server)`,
    paths: [["model", "preset"]],
    fallback: (answers) => starterSpec(answers).model.preset,
  },
  {
    flag: "weights",
    ask: "Directory of the checkpoint on every server",
    paths: [["model", "weights"]],
    fallback: (answers) => starterSpec(answers).model.weights,
    when: onReal,
  },
  {
    flag: "image",
    ask: "SGLang image with its digest",
    paths: [["engine", "image"]],
    fallback: (answers) => starterSpec(answers).engine.image,
    when: onReal,
  },
  {
    flag: "interface",
    ask: "Network interface of the servers, e.g. ens10f0",
    paths: [["network", "interface"]],
    fallback: () => undefined,
    when: onReal,
  },
  // What follows it (devices, GID index) is asked next and checked then.
  { flag: "rdma", ask: "RDMA: infiniband, roce or none", paths: [], fallback: () => "none", when: onReal },
  {
    flag: "rdmaDevices",
    ask: "RDMA devices in the order of the GPUs, as mlx5_0,mlx5_1",
    paths: [["network", "rdma", "devices"]],
    fallback: () => undefined,
    when: withRdma,
  },
  {
    flag: "gidIndex",
    ask: "GID index of RoCE v2 (`show_gids`)",
    paths: [["network", "rdma"]],
    fallback: () => "3",
    when: ({ rdma }) => rdma === "roce",
  },
  {
    flag: "gateway",
    ask: "Address of the gateway (empty: none)",
    paths: [["gateway"]],
    fallback: () => "",
    when: onReal,
  },
];

/** The answer in the form of the flag. */
export function toFlag(flag: keyof InitFlags, answer: string): string | string[] {
  // Groups are separated by blanks, their members by commas.
  return flag === "group" ? answer.split(/\s+/).filter((word) => listOf(word).length > 0) : answer;
}
