import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseDf, parseMeminfo } from "../../src/agent/storage/disk-room.ts";
import { readFolder } from "../../src/agent/storage/read-folder.ts";
import { watchStorage } from "../../src/agent/storage/watch-storage.ts";
import { shardName, writeCheckpoint } from "../../src/emulator/gpu/checkpoint.ts";
import type { Evidence } from "../../src/health/evidence.ts";
import { readEvidence } from "../../src/health/read-evidence.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "storage-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("a folder of weights", () => {
  test("two copies have one digest; a byte more or another name has another", async () => {
    for (const name of ["one", "two", "longer", "renamed"]) writeCheckpoint(join(root, name));
    writeFileSync(join(root, "longer", "config.json"), "{}");
    unlinkSync(join(root, "renamed", "config.json"));
    const [one, two, longer, renamed] = await Promise.all(
      ["one", "two", "longer", "renamed"].map((name) => readFolder(join(root, name))),
    );
    expect(one).toMatchObject({ state: "complete", files: 10, detail: "" });
    expect(two).toEqual(one);
    expect(longer?.digest).not.toBe(one?.digest);
    expect(renamed?.digest).not.toBe(one?.digest);
  });

  test.each<[string, (folder: string) => void, string]>([
    ["a shard is gone", (folder) => unlinkSync(join(folder, shardName(3))), "shard 3 of 8 is not there"],
    [
      "a shard is empty",
      (folder) => writeFileSync(join(folder, shardName(5)), ""),
      "00005-of-000008.safetensors is empty",
    ],
    [
      "a link to a shard leads nowhere, as in a hub's cache whose blob was removed",
      (folder) => {
        unlinkSync(join(folder, shardName(8)));
        symlinkSync("../blobs/none", join(folder, shardName(8)));
      },
      "shard 8 of 8 is not there",
    ],
  ])("%s", async (_name, plant, detail) => {
    writeCheckpoint(root);
    plant(root);
    expect(await readFolder(root)).toMatchObject({ state: "broken", detail: expect.stringContaining(detail) });
  });

  test("a folder that is not there is missing, an empty one is complete and holds nothing", async () => {
    mkdirSync(join(root, "empty"));
    expect(await readFolder(join(root, "none"))).toMatchObject({ state: "missing", files: 0 });
    expect(await readFolder(join(root, "empty"))).toMatchObject({ state: "complete", files: 0 });
  });
});

test.each<[string, string, number | null]>([
  ["POSIX", "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 40 60 40% /\n", 60 * 1024],
  [
    "a name with blanks",
    "Filesystem 1024-blocks Used Available Capacity Mounted on\n//nas/a b 100 90 10 90% /m\n",
    10 * 1024,
  ],
  ["over its quota", "F 1024-blocks Used Available Capacity Mounted on\nx 100 110 -10 110% /m\n", 0],
  ["no such path", "df: /none: No such file or directory\n", null],
])("df: %s", (_name, output, free) => {
  expect(parseDf(output)?.freeBytes ?? null).toBe(free);
});

test("what /proc/meminfo says", () => {
  expect(parseMeminfo("MemTotal:  2000 kB\nMemFree: 1 kB\nMemAvailable:    500 kB\n")).toEqual({
    availableBytes: 512_000,
    totalBytes: 2_048_000,
  });
  expect(parseMeminfo("nothing")).toBeNull();
});

test("tells what is there, and again only when it has changed; a reader understands all of it", async () => {
  writeCheckpoint(join(root, "weights"));
  const told: Evidence[] = [];
  const folders = [{ folder: "weights" as const, path: join(root, "weights") }];
  const source = watchStorage({
    root: "",
    folders,
    df: ["df"],
    proc: null,
    everyMs: 20,
    timeoutMs: 5_000,
    emit: (one) => told.push(one),
  });
  const of = (kind: string) => told.filter((one) => one.kind === kind);
  try {
    await expect.poll(() => told.some((one) => one.kind === "monitor")).toBe(true);
    expect(of("monitor")).toMatchObject([{ monitor: "storage", state: "working" }]);
    expect(of("disk").map((one) => (one.kind === "disk" ? one.path : ""))).toEqual(["/", join(root, "weights")]);
    unlinkSync(join(root, "weights", shardName(1)));
    await expect.poll(() => of("folder").length).toBe(2);
    expect(of("folder")).toMatchObject([{ state: "complete" }, { state: "broken" }]);
    expect(told.map(readEvidence)).toEqual(told);
  } finally {
    source.stop();
  }
});

test("without a df that works nothing is known of the disks, which is told", async () => {
  const told: Evidence[] = [];
  const folders = [{ folder: "weights" as const, path: root }];
  const df = ["/none/df"];
  const source = watchStorage({
    root: "",
    folders,
    df,
    proc: null,
    everyMs: 20,
    timeoutMs: 5_000,
    emit: (one) => told.push(one),
  });
  try {
    await expect.poll(() => told.find((one) => one.kind === "monitor")).toMatchObject({ state: "failed" });
  } finally {
    source.stop();
  }
});

test("a disk that does not answer is told as a monitor that hangs", async () => {
  const told: Evidence[] = [];
  const folders = [{ folder: "weights" as const, path: root }];
  const df = ["sh", "-c", "sleep 60"];
  const source = watchStorage({
    root: "",
    folders,
    df,
    proc: null,
    everyMs: 20,
    timeoutMs: 50,
    emit: (one) => told.push(one),
  });
  try {
    await expect.poll(() => told.find((one) => one.kind === "monitor")).toMatchObject({ state: "hung" });
  } finally {
    source.stop();
  }
});
