import { setTimeout as sleep } from "node:timers/promises";
import type { Remote } from "../../machines/server/remote.ts";
import { monotonicMs } from "../clock.ts";

const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";
const ASK_MS = 5_000;
const POLL_MS = 1_000;

/** Boots a server by its own hand, and waits until it is back. */
export async function reboot(remote: Remote, withinMs: number): Promise<void> {
  const before = await remote.run(BOOT_ID);
  // In a second: the answer to this very command should still come.
  await remote.run("systemd-run --quiet --collect --on-active=1s systemctl reboot");
  await answers(remote, withinMs, async () => (await remote.run(BOOT_ID, { timeoutMs: ASK_MS })) !== before);
}

/** Waits until a server answers by SSH, and `isSo`. */
export async function answers(
  remote: Remote,
  withinMs: number,
  isSo = () => remote.test(":", { timeoutMs: ASK_MS }),
): Promise<void> {
  const endMs = monotonicMs() + withinMs;
  for (;;) {
    try {
      if (await isSo()) return;
    } catch (error) {
      if (monotonicMs() > endMs) throw error;
    }
    if (monotonicMs() > endMs) throw new Error(`${remote.target.name} was not back within ${withinMs / 1000} s`);
    await sleep(POLL_MS);
  }
}
