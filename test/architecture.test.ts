import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FOLDERS, violationsOf } from "./support/architecture.ts";

const files = globSync("src/**/*.ts").sort();

describe("the sources follow the table of docs/architecture.md", () => {
  test("there are sources to look at", () => {
    expect(files.length).toBeGreaterThan(50);
  });

  test("imports point up, pure folders stay pure, files stay short", async () => {
    const found = await Promise.all(
      files.map((file) => violationsOf(file.slice("src/".length), readFileSync(file, "utf8"))),
    );
    expect(found.flat()).toEqual([]);
  });

  test("requests are sent by src/http-request.ts alone: those of undici do not end with their signal", () => {
    const takesIt = (file: string) => /import [^;]*\brequest\b[^;]* from "undici"/.test(readFileSync(file, "utf8"));
    expect(files.filter(takesIt)).toEqual(["src/http-request.ts"]);
  });

  test("every folder of src stands in the table, and in docs/architecture.md", () => {
    const folders = new Set(files.map((file) => file.split("/")[1] ?? "").filter((name) => !name.endsWith(".ts")));
    const table = FOLDERS.flat() as string[];
    expect([...folders].filter((folder) => !table.includes(folder))).toEqual([]);
    const docs = readFileSync("docs/architecture.md", "utf8");
    expect(table.filter((folder) => !docs.includes(`\`${folder}/\``))).toEqual([]);
  });
});

describe("the check can fail", () => {
  const pad = (lines: number) => "// x\n".repeat(lines);
  test.each<[string, string, string, string]>([
    ["an import down", "spec/a.ts", 'import { x } from "../plan/b.ts"; x();', "spec is not below plan"],
    ["a type import down", "plan/a.ts", 'import type { X } from "../kube/b.ts";', "plan is not below kube"],
    ["an inline type import down", "plan/a.ts", 'import { type X } from "../cli/b.ts";', "plan is not below cli"],
    ["a default type import", "plan/a.ts", 'import type X from "../cli/b.ts";', "plan is not below cli"],
    ["a re-export down", "spec/a.ts", 'export { x } from "../plan/b.ts";', "spec is not below plan"],
    ["a type re-export down", "spec/a.ts", 'export type { X } from "../plan/b.ts";', "spec is not below plan"],
    ["a star re-export", "spec/a.ts", 'export type * from "../plan/b.ts";', "spec is not below plan"],
    ["a bare import", "spec/a.ts", 'import "../plan/b.ts";', "spec is not below plan"],
    ["a lazy import", "stream/a.ts", 'export const f = () => import("../cli/b.ts");', "stream is not below cli"],
    ["a deep folder", "spec/rules/a.ts", 'import { x } from "../../plan/b.ts"; x();', "spec is not below plan"],
    [
      "kube importing machines",
      "kube/a.ts",
      'import { x } from "../machines/b.ts"; x();',
      "kube is not below machines",
    ],
    [
      "machines importing kube",
      "machines/a.ts",
      'import { x } from "../kube/b.ts"; x();',
      "machines is not below kube",
    ],
    [
      "agent importing gateway",
      "agent/a.ts",
      'import { x } from "../gateway/b.ts"; x();',
      "agent is not below gateway",
    ],
    ["gateway importing reconciler", "gateway/a.ts", 'import "../reconciler/b.ts";', "gateway is not below reconciler"],
    ["a shared file importing a folder", "errors.ts", 'import "./spec/b.ts";', "a shared file is not below spec"],
    ["an unknown folder", "misc/a.ts", 'import "../spec/b.ts";', "misc/a.ts is in no folder"],
    ["a way out of src", "cli/a.ts", 'import "../../test/b.ts";', "outside src"],
    [
      "a Node module in a pure folder",
      "report/a.ts",
      'import { readFileSync } from "node:fs"; readFileSync("");',
      "imports node:fs",
    ],
    ["its type alone", "plan/a.ts", 'import type { Stats } from "node:fs";', "imports node:fs"],
    ["a package with effects", "health/a.ts", 'import { fetch } from "undici"; fetch("");', "imports undici"],
    ["the clock", "failover/a.ts", "export const f = () => Date.now();", "uses Date"],
    ["the present date", "plan/a.ts", "export const f = () => new Date();", "uses Date"],
    ["the present date without brackets", "plan/a.ts", "export const f = () => new Date;", "uses Date"],
    ["the date as text", "plan/a.ts", "export const f = () => Date();", "uses Date"],
    ["chance", "plan/a.ts", "export const f = () => Math.random();", "uses Math.random"],
    ["the process", "spec/a.ts", "export const f = () => process.env.HOME;", "uses process"],
    ["a way around", "spec/a.ts", "export const f = () => globalThis.process;", "uses globalThis"],
    ["a timer", "health/a.ts", "export const f = () => setTimeout(() => 1, 5);", "uses setTimeout"],
    ["a request", "health/a.ts", 'export const f = () => fetch("http://x");', "uses fetch"],
    ["printing", "report/a.ts", 'export const f = () => console.log("x");', "uses console"],
    ["a long file", "cli/a.ts", pad(251), "has 251 lines"],
  ])("%s", async (_name, path, source, expected) => {
    expect((await violationsOf(path, source)).join("\n")).toContain(expected);
  });

  test.each<[string, string, string]>([
    ["an import up", "cli/a.ts", 'import { x } from "../spec/b.ts"; x();'],
    ["the same folder", "kube/deep/a.ts", 'import { x } from "../b.ts"; x();'],
    ["the shared errors", "spec/a.ts", 'import { TandemError } from "../errors.ts"; new TandemError({});'],
    ["a word in a text", "health/a.ts", 'export const why = "the process died; Math.random() and Date.now() did not";'],
    ["a word in a comment", "health/a.ts", '// import { x } from "../cli/b.ts"; setTimeout\nexport const x = 1;'],
    ["a local name", "plan/a.ts", "export const f = (process: string) => process.length;"],
    ["a date from a value", "report/a.ts", "export const f = (at: number) => new Date(at).toISOString();"],
    ["Date.parse", "health/a.ts", "export const f = (text: string) => Date.parse(text);"],
    ["data", "plan/a.ts", 'import data from "./data/x.json" with { type: "json" };\nexport const f = () => data;'],
    ["zod", "spec/a.ts", 'import { z } from "zod"; z.string();'],
    [
      "Node in a folder that may touch the world",
      "kube/a.ts",
      'import fs from "node:fs"; fs.statSync("/"); Date.now();',
    ],
    ["a file of 250 lines", "cli/a.ts", pad(250)],
  ])("and lets pass: %s", async (_name, path, source) => {
    expect(await violationsOf(path, source)).toEqual([]);
  });
});
