import { execa } from "execa";

/** Ends processes that this test has started, by their id; one that is gone is fine. */
export function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Processes that a process has started: Pulumi, when it is `tandem up`. */
export async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await execa("ps", ["-o", "pid=", "--ppid", String(pid)], { reject: false });
  return stdout.split("\n").map(Number).filter(Boolean);
}
