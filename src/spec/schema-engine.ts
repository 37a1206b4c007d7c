import { z } from "zod";
import { absolutePath, text } from "./fields.ts";

export const MODEL_PRESETS = [
  "deepseek-v3",
  "deepseek-v3-0324",
  "deepseek-r1",
  "deepseek-r1-0528",
  "deepseek-v3.1",
  "deepseek-v3.2",
  "deepseek-r1-0528-awq",
  "deepseek-r1-0528-w4afp8",
  "deepseek-r1-distill-llama-70b",
  "deepseek-r1-distill-qwen-32b",
  "deepseek-r1-distill-qwen-14b",
  "deepseek-r1-distill-llama-8b",
  "deepseek-r1-distill-qwen-7b",
  "deepseek-r1-distill-qwen-1.5b",
] as const;
/** Builds that fit one 8×H100 server. */
export const FOUR_BIT_PRESETS = ["deepseek-r1-0528-awq", "deepseek-r1-0528-w4afp8"] as const;

/** The engine emulator: built on this machine, in no registry. */
export const EMULATOR_IMAGE = "tandem.local/sglang-emulator:dev";

export const Model = z.strictObject({
  preset: z.enum(MODEL_PRESETS).meta({ description: "The checkpoint." }),
  weights: absolutePath.meta({ description: "Directory with the checkpoint on every server, on local NVMe." }),
  servedName: text.optional().meta({ description: "Name in the OpenAI API; left out, the preset's name." }),
  contextLength: z.int().min(1024).default(65536).meta({
    description: "Longest request, prompt and answer together, in tokens.",
    reason: "64k covers nearly all chat and code use; the plan says how many such requests fit at once",
  }),
});

// What one server gives to its ranks; requests equal limits, so that nothing else can squeeze the engine.
const Resources = z.strictObject({
  cpu: z.number().positive().default(32).meta({
    description: "CPU cores of one server for the engine.",
    reason: "eight schedulers, tokenizer, detokenizer and NCCL's proxies keep up to three cores a GPU busy",
  }),
  memoryGiB: z.number().positive().default(960).meta({
    description: "Host memory of one server for the engine.",
    reason:
      "the checkpoint is 643 GiB, and pages that the engine has read count against its limit: below it every reload reads the disk again; 8×H100 servers come with 1.8 to 2 TiB",
  }),
  shmGiB: z.number().positive().default(32).meta({
    description: "/dev/shm, inside memoryGiB.",
    reason: "NCCL and ZMQ move tensors through it, and the container default of 64 MiB is too small",
  }),
});

export const Engine = z.strictObject({
  image: z
    .string()
    .min(1)
    .overwrite((image) => (image === "emulator" ? EMULATOR_IMAGE : image))
    .meta({
      description: "SGLang image with its digest; the word `emulator` stands for the engine emulator (local only).",
    }),
  layout: text.default("auto").meta({
    description: "`auto`, or a layout by name, e.g. tp16, tp8-pp2, tp16-dp2, dp16-ep16.",
    reason: "the plan enumerates every layout that fits and says why it rejects the others",
  }),
  optimizeFor: z.enum(["latency", "throughput", "context"]).default("latency").meta({
    description: "What `layout: auto` prefers.",
    reason: "TP16 gives the shortest time per token for few users, which is what a two-server group serves",
  }),
  memFractionStatic: z.number().gt(0).lt(1).optional().meta({
    description: "Share of GPU memory for weights and KV cache; left out, the plan works it out.",
  }),
  kvCacheDtype: z.enum(["bfloat16", "fp8_e4m3"]).default("bfloat16").meta({
    description: "Type of the KV cache.",
    reason: "bfloat16 keeps the checkpoint's quality; fp8_e4m3 doubles the pool at a small loss",
  }),
  maxRunningRequests: z.int().positive().optional().meta({
    description: "Requests in one batch; left out, the plan works it out.",
  }),
  redundantExperts: z.int().min(0).default(0).meta({
    description: "Extra copies of hot experts (needs an expert-parallel layout).",
    reason: "32 of them cost 4.8 GiB per GPU, half of the KV pool on 2×8 H100, until measured to help",
  }),
  speculative: z.boolean().default(false).meta({
    description: "Multi-token prediction with the checkpoint's NextN layer.",
    reason: "1.8 times the speed at batch 1, at the price of KV memory; off until measured at home",
  }),
  extraArgs: z.array(z.string()).default([]).meta({
    description: "Further SGLang flags; those that a field sets are refused.",
    reason: "every flag that this setup needs is set by a field or by the plan",
  }),
  resources: Resources.prefault({}).meta({ description: "What one server gives to the engine." }),
});

/** Where the 4-bit build for `standby: degraded` lies. */
export const Degraded = z.strictObject({
  preset: z.enum(FOUR_BIT_PRESETS).meta({ description: "The 4-bit checkpoint that one server can serve alone." }),
  weights: absolutePath.meta({ description: "Directory with it on every server of the group, on local NVMe." }),
});
