import { expect, test } from "vitest";
import { cut, Screen } from "../../src/cli/top/screen.ts";
import { dashboardOf } from "../../src/report/dashboard/dashboard.ts";
import { colourPaint, plainPaint } from "../../src/report/paint.ts";
import { topText } from "../../src/report/top.ts";
import { gpu, heardServer, WALL_MS, wellService, wellSources } from "./dashboards.ts";

test("of a healthy pair: who serves, tokens, every server with its GPUs, what is proved", () => {
  const lines = topText(dashboardOf(wellSources()), 80, plainPaint).split("\n");
  expect(lines.slice(0, 3)).toEqual([
    "prod · deepseek-v3 · group a serves since 3 h ago · epoch 8 · automatic · 2/2 groups",
    "decision  hold all-well: a serves, b can take over (since 3 h ago)",
    "",
  ]);
  const text = lines.join("\n");
  expect(text).toMatch(/tokens a second · 20 requests · longest gap now 0\.02 s/);
  expect(text).toMatch(/a +active +serving +gpu-a +healthy +●●●●●●●● +59 °C/);
  expect(text).toMatch(/b +standby +serving +gpu-c/);
  expect(text).toContain("takeover  ready\n  proved  servers 1 s · gpus 2 s");
  expect(text).toContain("gateway   10.0.0.10 uses a, 10 requests · gpu-c uses a, 10 requests");
  expect(text).toContain("moves     b -> a  switchover 3 h ago: jane asked for it");
  expect(text).toContain("drills    server-power  Passed 2 days ago, by ops@bastion");
});

test("that nobody serves is said once somebody could have been heard", () => {
  const shown = { ...dashboardOf(wellSources()), active: null, activeSince: null };
  expect(topText(shown, 80, plainPaint)).toMatch(/^prod · deepseek-v3 · NOBODY SERVES/);
  expect(topText(shown, 80, plainPaint, true)).toMatch(/^prod · deepseek-v3 · nobody has answered yet/);
});

test("what is wrong comes first, and nothing is said by colour alone", () => {
  const service = wellService();
  service.spec.pause = { by: "ann", at: new Date(WALL_MS - 60_000).toISOString(), reason: "looking" };
  const evidence = new Map([["gpu-a", heardServer("gpu-a", [gpu(0, { recoveryAction: "Reset" })])]]);
  const shown = dashboardOf(wellSources({ service, evidence }));
  const plain = topText(shown, 80, plainPaint);
  expect(plain.split("\n")[1]).toBe("PAUSED by ann 60 s ago: looking; nothing is done until: tandem resume");
  expect(plain).toMatch(/gpu-a +\S+ +✖∅∅∅∅∅∅∅/);
  expect(plain).toContain("gpu-a GPU 0 ✖ bad: the driver asks for gpu-reset");
  const esc = String.fromCharCode(27);
  const coloured = topText(shown, 80, colourPaint);
  expect(coloured).toContain(esc);
  expect(coloured.replaceAll(new RegExp(`${esc}\\[[\\d;]*m`, "g"), "")).toBe(plain);
});

test("a line is cut at the edge, its colours whole", () => {
  const red = colourPaint("warning", "abcdef");
  expect(cut(`xy${red}z`, 5)).toBe(`xy${colourPaint("warning", "abc")}`);
  expect(cut("short", 80)).toBe("short");
});

test("the screen of before comes back, once, also when nobody leaves it", () => {
  const written: string[] = [];
  const out = { rows: 2, columns: 4, write: (text: string) => written.push(text) };
  const screen = new Screen(out as never);
  const before = process.listenerCount("exit");
  screen.draw("never shown");
  screen.enter();
  screen.draw("abcdef\nb\nc");
  expect(process.listenerCount("exit")).toBe(before + 1);
  screen.leave();
  screen.leave();
  screen.draw("never shown");
  const esc = String.fromCharCode(27);
  expect(written).toEqual([
    `${esc}[?1049h${esc}[?25l`,
    `${esc}[Habcd${esc}[K\r\nb${esc}[K${esc}[J`,
    `${esc}[?25h${esc}[?1049l`,
  ]);
  expect(process.listenerCount("exit")).toBe(before);
});
