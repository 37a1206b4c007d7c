import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A file that an emulated GPU server has before it joins anything: the preflight already asks `nvidia-smi`. */
export interface MachineFile {
  path: string;
  content: string;
  mode: number;
}

/** Files of an emulated GPU server. They read `/etc/tandem/machine.json` and, if it exists, `/run/tandem/gpus.tsv`. */
export function gpuMachineFiles(): MachineFile[] {
  const script = fileURLToPath(new URL("./nvidia-smi.sh", import.meta.url));
  return [{ path: "/usr/bin/nvidia-smi", content: readFileSync(script, "utf8"), mode: 0o755 }];
}
