import { appendFileSync, chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AgentProcess, Listener, Machine } from "./agent-process.ts";

const record = (sequence: number, code: number, pid = "") =>
  `3,${sequence},${Math.floor(performance.now() * 1_000)},-;NVRM: Xid (PCI:0000:1b:00): ${code}, ${pid}a drill\n`;

const codesOf = (listener: Listener) =>
  listener.evidence.flatMap(({ evidence }) =>
    evidence.kind === "kernel-log" && evidence.line.kind === "xid" ? [evidence.line.code] : [],
  );

/** An agent whose drill folder is `folder`, which is made with `mode`. */
async function started(machine: Machine, mode = 0o755) {
  const folder = machine.path("drill");
  mkdirSync(folder);
  chmodSync(folder, mode);
  const agent = await new AgentProcess(machine, { AGENT_DRILL: folder }).listening();
  return { agent, file: join(folder, "kernel-log") };
}

/** What a script of a drill does: the file first, the lines later. */
function drill(file: string, mode = 0o600): void {
  rmSync(file, { force: true });
  writeFileSync(file, "");
  chmodSync(file, mode);
}

describe("lines that a drill pretends", () => {
  test("are evidence as those of the kernel are, drill after drill", async () => {
    await using machine = new Machine();
    const { agent, file } = await started(machine);
    await using _ = agent;
    using listener = new Listener(agent.url);
    for (const [at, code] of [95, 79, 48].entries()) {
      drill(file);
      appendFileSync(file, record(1, code));
      await listener.until(() => codesOf(listener).length === at + 1, `XID ${code}`);
      rmSync(file);
    }
    expect(codesOf(listener)).toEqual([95, 79, 48]);
    // The kernel's own log is read all the while, and its state is not that of a drill's file.
    machine.log("NVRM: Xid (PCI:0000:1b:00): 31, real");
    await listener.until(() => codesOf(listener).includes(31), "XID 31");
    const states = listener.evidence.filter(({ evidence }) => evidence.kind === "monitor");
    expect(states.map(({ evidence }) => evidence)).toEqual([
      { kind: "monitor", monitor: "kernel-log", state: "working", detail: "" },
    ]);
  });

  test("a drill that began before the agent did is heard", async () => {
    await using machine = new Machine();
    const folder = machine.path("drill");
    mkdirSync(folder, { mode: 0o755 });
    drill(join(folder, "kernel-log"));
    appendFileSync(join(folder, "kernel-log"), record(1, 79));
    await using agent = await new AgentProcess(machine, { AGENT_DRILL: folder }).listening();
    using listener = new Listener(agent.url);
    await listener.until(() => codesOf(listener).length > 0, "XID 79");
  });

  test.each([
    ["a file that others may write", 0o755, 0o622],
    ["a folder that others may write", 0o777, 0o600],
  ])("%s counts for nothing", async (_name, folderMode, fileMode) => {
    await using machine = new Machine();
    const { agent, file } = await started(machine, folderMode);
    await using _ = agent;
    using listener = new Listener(agent.url);
    drill(file, fileMode);
    appendFileSync(file, record(1, 79));
    // What the kernel says afterwards comes by the same stream, later.
    machine.log("NVRM: Xid (PCI:0000:1b:00): 31, real");
    await listener.until(() => codesOf(listener).includes(31), "XID 31");
    chmodSync(file, 0o600);
    expect(codesOf(listener)).toEqual([31]);
  });

  test("a server without the folder has an agent all the same", async () => {
    await using machine = new Machine();
    await using agent = await new AgentProcess(machine, { AGENT_DRILL: machine.path("nowhere") }).listening();
    using listener = new Listener(agent.url);
    machine.log("NVRM: Xid (PCI:0000:1b:00): 31, real");
    await listener.until(() => codesOf(listener).includes(31), "XID 31");
  });
});
