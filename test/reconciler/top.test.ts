import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { stackFiles } from "../../src/infra/stack/stack-files.ts";
import { writeRecord } from "../../src/infra/stack/stack-record.ts";
import { ensureStackSecrets } from "../../src/infra/stack/stack-secrets.ts";
import { planned } from "../plan/good-spec.ts";
import { GOOD } from "../spec/specs.ts";
import { ENTER, hasTerminals, LEAVE, Terminal } from "../support/terminal.ts";
import { Stage } from "./stage.ts";

const WIDE = { rows: 40, columns: 110 };
const SERVES = /^prod · deepseek-v3 · group [ab] serves/;
const CTRL_C = "\u0003";

describe.skipIf(!hasTerminals())("tandem top on a terminal", () => {
  const home = mkdtempSync(join(tmpdir(), "top-home-"));
  const terminals: Terminal[] = [];
  let stage: Stage;
  beforeAll(async () => {
    process.env.TANDEM_HOME = home;
    stage = await Stage.open();
    stage.reconciler();
    stage.api.put("/version", { gitVersion: "v1.36.3" });
    await ensureStackSecrets("prod");
    const spec = join(home, "prod.yaml");
    writeFileSync(spec, GOOD);
    await writeRecord(planned(), spec);
    const { kubeconfig } = stackFiles("prod");
    mkdirSync(dirname(kubeconfig), { recursive: true });
    writeFileSync(kubeconfig, stage.api.kubeconfig("top"));
    await stage.until("both groups serve", () => stage.condition("Redundant") === "True");
  });
  afterEach(async () => {
    stage.api.intercept = async () => false;
    for (const terminal of terminals.splice(0)) await terminal.close();
  });
  afterAll(async () => {
    await stage?.close();
    rmSync(home, { recursive: true });
  });

  function top(size = WIDE): Terminal {
    const terminal = new Terminal([process.execPath, "bin/tandem", "top", "--stack", "prod"], size, {});
    terminals.push(terminal);
    return terminal;
  }
  const shows = (terminal: Terminal, text: RegExp) => () => terminal.lines.some((line) => text.test(line));
  const serves = (group: string) => new RegExp(`^prod · deepseek-v3 · group ${group} serves`);

  test("the first picture waits for nobody: not for an API server that is silent", async () => {
    const held: (() => void)[] = [];
    stage.api.intercept = ({ client }) =>
      client === "top" ? new Promise((resolve) => held.push(() => resolve(false))) : Promise.resolve(false);
    const terminal = top();
    await terminal.until("a picture", shows(terminal, /^prod/));
    expect(terminal.lines.join("\n")).toContain("the API server has not answered yet");
    stage.api.intercept = async () => false;
    for (const go of held) go();
    await terminal.until("who serves", shows(terminal, serves("a")));
    expect(terminal.written.split(ENTER)).toHaveLength(2);
  });

  test("it follows a switch by itself, and fits a window that changes", async () => {
    const terminal = top();
    await terminal.until("who serves", shows(terminal, serves("a")));
    const asked = { kind: "switchover", by: "ann", at: new Date().toISOString() } as const;
    stage.ask({ request: { id: "top-1", target: "b", ...asked } });
    await terminal.until("the switch", shows(terminal, serves("b")));
    await terminal.until("its reason", shows(terminal, /a -> b +switchover .*: b can take over/));

    terminal.resize(9, 40);
    await terminal.until("a small picture", () => terminal.lines.length === 9);
    expect(Math.max(...terminal.lines.map((line) => line.length))).toBe(40);
    terminal.resize(WIDE.rows, WIDE.columns);
    await terminal.until("a large one again", () => terminal.lines.length > 9);
    expect(Math.max(...terminal.lines.map((line) => line.length))).toBeGreaterThan(40);
    stage.ask({ request: { id: "top-2", target: "a", ...asked } });
    await terminal.until("the way back", shows(terminal, serves("a")));
  });

  test.each([
    ["q", "q"],
    ["Ctrl-C", CTRL_C],
    ["q after other keys", `x${String.fromCharCode(27)}[Ayq`],
  ])("%s gives the terminal back as it was", async (_name, keys) => {
    const terminal = top();
    await terminal.until("who serves", shows(terminal, SERVES));
    terminal.type(keys);
    const { code, before, after, rest } = await terminal.ended();
    expect(code).toBe("0");
    expect(before).not.toBe("");
    expect(after).toBe(before);
    // Nothing is drawn on the screen of before, and nothing that was typed stands there.
    expect(rest).toBe(`ended 0\r\n${after}\r\n`);
    expect(terminal.written.split(LEAVE)).toHaveLength(2);
  });

  test("other keys, and arrows, change nothing and are not shown", async () => {
    const terminal = top();
    await terminal.until("who serves", shows(terminal, SERVES));
    const typedAt = terminal.written.length;
    terminal.type(`zzz${String.fromCharCode(27)}[B${String.fromCharCode(27)}Oq`);
    const pictures = () => terminal.written.split(`${String.fromCharCode(27)}[H`).length;
    const seen = pictures();
    await terminal.until("two more pictures", () => pictures() > seen + 2);
    expect(terminal.written.slice(typedAt)).not.toContain("zzz");
    expect(terminal.written).not.toContain(LEAVE);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("so does a %s from elsewhere", async (signal) => {
    const terminal = top();
    await terminal.until("who serves", shows(terminal, SERVES));
    process.kill(programOn(terminal), signal);
    const { code, before, after } = await terminal.ended();
    expect({ code, after }).toEqual({ code: "0", after: before });
    expect(terminal.written.split(LEAVE)).toHaveLength(2);
  });

  test("a window that is closed ends it", async () => {
    const terminal = top();
    await terminal.until("who serves", shows(terminal, SERVES));
    const pid = programOn(terminal);
    await terminal.close();
    await expect.poll(() => programs().includes(pid), { timeout: 10_000 }).toBe(false);
  });

  /** Of this test's programs: they know its folder. */
  const programs = (): number[] =>
    readdirSync("/proc").flatMap((pid) => {
      try {
        const mine = readFileSync(`/proc/${pid}/environ`, "latin1").includes(`TANDEM_HOME=${home}\0`);
        return mine && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("src/cli/main.ts") ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });
  function programOn(terminal: Terminal): number {
    const [, tty] = /^(\/dev\/\S+)\r\n/.exec(terminal.written) ?? [];
    const found = programs().find((pid) => readlinkSync(`/proc/${pid}/fd/0`) === tty);
    if (found === undefined) throw new Error(`nobody is on ${tty}`);
    return found;
  }
});
