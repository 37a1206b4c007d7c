/** A shape that people ask for and that does not serve this model, and what it would serve well. */
export interface UnworkableShape {
  shape: string;
  why: string;
  goodFor: string;
}

export const UNWORKABLE: readonly UnworkableShape[] = [
  {
    shape: "12 GPUs, 8 + 4",
    why: "the memory would do, but SGLang starts as many ranks on each server, 6 and 6, and neither 12 nor 6 divides 128 heads and experts 2,048 wide in blocks of 128",
    goodFor: "the 4-bit build on the 8 and a distilled 70B on the 4",
  },
  {
    shape: "1 server of 8 × H100-80 in FP8",
    why: "79.5 GiB of weights a GPU, 78.3 GiB there: they do not load",
    goodFor: "the 4-bit build, or as half of a group of two",
  },
  {
    shape: "4 × H100-80 with 1.58 bit (131 GiB)",
    why: "it loads, but llama.cpp gave one answer 12 tokens/s and read 277 tokens/s of input on 2 H100 (unsloth issue 1591): 7 s to the first token of 2,000, for one user of a coarser model",
    goodFor: "one person who tries things out; for users a distilled 70B",
  },
  {
    shape: "a desktop with one or two 24 to 32 GB GPUs",
    why: "350 GB of 4-bit experts would stream from main memory: 20 GB a token at 80 GB/s are 4 tokens/s at the very best",
    goodFor: "a distilled 7B, 8B or 14B for a few people",
  },
];
