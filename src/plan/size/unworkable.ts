/** A shape that people ask for and that does not serve this model, and what it would serve well. */
export interface UnworkableShape {
  shape: string;
  why: string;
  goodFor: string;
}

export const UNWORKABLE: readonly UnworkableShape[] = [
  {
    shape: "12 GPUs, 8 + 4",
    why: "the memory would hold it, but SGLang starts as many ranks on one server as on the other, 6 and 6, and tensor parallelism over 12 or 6 divides neither 128 heads nor 2,048 expert columns in blocks of 128",
    goodFor: "the 8 as one server of the 4-bit build, the 4 for a distilled 70B model",
  },
  {
    shape: "1 server of 8 × H100-80 in FP8",
    why: "the weights are 79.5 GiB on each GPU, whose 79.6 GiB less the CUDA context are 78.3: they do not load, and nothing would be left for one token",
    goodFor: "the 4-bit build on TP8, or half of a group of two servers",
  },
  {
    shape: "4 × H100-80 with 1.58 bit (131 GiB)",
    why: "it loads, but llama.cpp gave one answer 12 tokens/s and read 277 tokens/s of input on 2 H100 (unsloth issue 1591): 7 s to the first token of a 2,000-token question, for one user of a much coarser model",
    goodFor: "one person who tries things out; for users, a distilled 70B model in FP8",
  },
  {
    shape: "a desktop with one or two 24 to 32 GB GPUs",
    why: "the 4-bit experts alone are 350 GB and would stream from main memory: 20 GB for each token at 80 GB/s is 4 tokens/s at the very best, for one user",
    goodFor: "a distilled 7B to 32B model",
  },
];
