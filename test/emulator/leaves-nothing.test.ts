import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { temporaryFolders } from "../support/temporary-folder.ts";

/** A program that starts a group as the tests do, and then does not get to stop it. */
const PROGRAM = `
  import { startGroup } from ${JSON.stringify(new URL("./server-process.ts", import.meta.url).href)};
  const servers = await startGroup({ nnodes: 2, tp: 4 });
  console.log(JSON.stringify(servers.map(({ child }) => child.pid)));
`;

const folder = temporaryFolders();

/** Processes of the given groups that are still there. */
function left(groups: readonly number[]): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [state, , group] = readFileSync(`/proc/${name}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
        return state !== "Z" && groups.includes(Number(group)) ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
}

test.skipIf(process.platform !== "linux").each<[string, string]>([
  ["is killed", "await new Promise(() => setInterval(() => {}, 1000));"],
  ["fails", 'throw new Error("a test that fails");'],
  ["ends while an engine stands still", 'process.kill(-servers[1].child.pid, "SIGSTOP"); process.exit(1);'],
])("no engine and no rank outlives a test program that %s", async (_name, end) => {
  const program = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM + end], {
    stdio: ["ignore", "pipe", "ignore"],
    // Its folders are ours to take away: it does not live to do so.
    env: { ...process.env, TMPDIR: folder() },
  });
  try {
    const [line] = (await once(program.stdout, "data")) as [Buffer];
    const groups = JSON.parse(line.toString()) as number[];
    if (end.startsWith("await")) {
      expect(left(groups).length).toBeGreaterThanOrEqual(groups.length);
      program.kill("SIGKILL");
    }
    await vi.waitUntil(() => left(groups).length === 0, { interval: 20, timeout: 20_000 });
  } finally {
    program.kill("SIGKILL");
  }
});
