import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GpuLines } from "../../src/agent/kernel-log/gpu-lines.ts";
import { RepeatLimit } from "../../src/agent/kernel-log/repeat-limit.ts";
import { parseKernelLine } from "../../src/health/kernel-line.ts";
import type { EvidenceFrame } from "../../src/stream/frames.ts";
import { AgentProcess, Listener, Machine } from "./agent-process.ts";

const XID = "NVRM: Xid (PCI:0000:1b:00)";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const linesOf = (listener: Listener) =>
  listener.evidence.flatMap(({ evidence }) => (evidence.kind === "kernel-log" ? [evidence.line] : []));

describe("GPU lines in the bytes of a log", () => {
  const anyLine = fc.oneof(
    fc.constantFrom(
      `3,1,5,-;${XID}: 79, GPU has fallen off the bus.`,
      `6,2,6,-;nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034, Fatal, Link 28 LTSSM Fault Up`,
      `30,3,7,-;${XID}: 79, written by a container`,
      `3,4,8,-;text with Xid (PCI: inside`,
      "Xid (PCI:",
      ` SUBSYSTEM=pci`,
    ),
    fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", " ")),
  );

  test("are the same as if every line had been read, wherever the bytes were cut", () => {
    fc.assert(
      fc.property(fc.array(anyLine), fc.array(fc.nat(600)), (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(""));
        const expected = texts.flatMap((text) => parseKernelLine(text) ?? []);
        const scanner = new GpuLines();
        const places = [...cuts.filter((at) => at < bytes.length), bytes.length].sort((a, b) => a - b);
        const found = places.flatMap((at, number) => scanner.push(bytes.subarray(places[number - 1] ?? 0, at)));
        expect(found).toEqual(expected);
      }),
    );
  });

  test("garbage of any kind throws nothing", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (pieces) => {
        const scanner = new GpuLines();
        for (const piece of pieces) scanner.push(Buffer.from(piece));
        scanner.push(Buffer.from(`\n3,1,5,-;${XID}: 48, DBE\n`));
        expect(scanner.push(Buffer.from(`3,2,5,-;${XID}: 79, gone\n`))).toHaveLength(1);
      }),
    );
  });

  test("a line without end takes no more memory than a line may", async () => {
    const scanner = new GpuLines();
    // What is garbage by now, of other tests too, may be freed at any moment.
    const held = async () => {
      collect();
      await nextTurn();
      collect();
      return process.memoryUsage().arrayBuffers;
    };
    const before = await held();
    for (let piece = 0; piece < 2_000; piece++) scanner.push(Buffer.alloc(65_536, "x"));
    expect((await held()) - before).toBeLessThan(2 * 1_048_576);
    scanner.push(Buffer.from("\n"));
    expect(scanner.push(Buffer.from(`3,2,5,-;${XID}: 79, gone\n`))).toHaveLength(1);
  });
});

describe("repeats", () => {
  test("of one kind are counted after the first twenty of a second; another kind passes", () => {
    const dropped: string[] = [];
    const limit = new RepeatLimit((key, count) => dropped.push(`${count} ${key}`));
    const passed = Array.from({ length: 1_000 }, () => limit.passes("XID 13 on a", 0)).filter(Boolean).length;
    expect(passed).toBe(20);
    expect(limit.passes("XID 79 on a", 0)).toBe(true);
    expect(limit.passes("XID 13 on a", 1_000)).toBe(true);
    expect(dropped).toEqual(["980 XID 13 on a"]);
    limit.stop();
  });
});

describe("an agent and its kernel log", () => {
  test("only the kernel's own lines count", async () => {
    await using machine = new Machine();
    await using agent = await new AgentProcess(machine).listening();
    using listener = new Listener(agent.url);
    await listener.heard({ kind: "monitor", monitor: "kernel-log", state: "working" });
    // Facility 3 is a daemon, 1 is user space: what a container writes into /dev/kmsg is marked so by the kernel.
    for (const facility of [1, 3, 16]) machine.log(`${XID}: 79, faked`, facility * 8 + 3);
    machine.log(`${XID}: 94, Contained: SM`);
    await listener.heard({ kind: "kernel-log" });
    expect(linesOf(listener)).toMatchObject([{ kind: "xid", code: 94, pci: "0000:1b:00" }]);
  });

  test("lines of before its start are told, and a restart loses none", async () => {
    await using machine = new Machine();
    machine.log(`${XID}: 63, row remap`);
    await using first = await new AgentProcess(machine).listening();
    using listener = new Listener(first.url);
    await listener.until(() => linesOf(listener).length === 1, "the line of before");
    await first.stop("SIGKILL");
    machine.log(`${XID}: 79, while nobody looked`);
    await using second = await new AgentProcess(machine, { AGENT_PORT: first.port }).listening();
    await listener.until(() => linesOf(listener).at(-1)?.text.includes("nobody looked"), "the line of between");
    expect(new Set(listener.hellos.map(({ agent }) => agent)).size).toBe(2);
    expect(await second.stop()).toBe(0);
  });

  test("a file that is cut short, replaced or away is followed all the same", async () => {
    await using machine = new Machine();
    await using agent = await new AgentProcess(machine).listening();
    using listener = new Listener(agent.url);
    const expectCode = (code: number) =>
      listener.until(() => linesOf(listener).some((line) => line.kind === "xid" && line.code === code), `XID ${code}`);
    machine.log(`${XID}: 31, one`);
    await expectCode(31);
    truncateSync(machine.kmsg);
    // It is as long as before again before the next look.
    await sleep(150);
    machine.log(`${XID}: 43, two`);
    await expectCode(43);
    renameSync(machine.kmsg, machine.path("old"));
    await listener.heard({ kind: "monitor", monitor: "kernel-log", state: "failed" });
    writeFileSync(machine.kmsg, "");
    machine.log(`${XID}: 48, three`);
    await expectCode(48);
    const last = listener.evidence.findLast(({ evidence }) => evidence.kind === "monitor");
    expect(last?.evidence).toMatchObject({ state: "working" });
  });

  test("10,000 lines a second for 5 s: every XID among them arrives at once, beats go on", async () => {
    await using machine = new Machine();
    await using agent = await new AgentProcess(machine).listening();
    using listener = new Listener(agent.url);
    await listener.until(() => listener.hellos.length > 0, "hello");
    const sentMs = new Map<number, number>();
    const noise = Array.from(
      { length: 100 },
      (_, at) => `4,${at},1,-;usb 1-${at}: device descriptor read/64, error -71 ${"x".repeat(60)}\n`,
    );
    noise[50] = "\x00\xff;;;,,,\n";
    const startMs = performance.now();
    for (let block = 0; block < 500; block++) {
      // 100 lines every 10 ms.
      await sleep(Math.max(0, startMs + block * 10 - performance.now()));
      appendFileSync(machine.kmsg, noise.join(""));
      if (block % 5 !== 0) continue;
      const code = 1_000 + block;
      sentMs.set(code, performance.now());
      machine.log(`${XID}: ${code}, in the flood`);
    }
    await listener.until(() => linesOf(listener).length >= sentMs.size, "all of them");
    const delays = listener.frames
      .flatMap(({ frame, atMs }) => {
        const { evidence } = frame as EvidenceFrame;
        if (frame.type !== "evidence" || evidence.kind !== "kernel-log" || evidence.line.kind !== "xid") return [];
        return [atMs - (sentMs.get(evidence.line.code) ?? Number.NaN)];
      })
      .sort((a, b) => a - b);
    expect(delays).toHaveLength(100);
    // The bound of the product is 50 ms; other tests share the processors of this one.
    expect(delays[94]).toBeLessThan(100);
    const beats = listener.frames.filter(({ frame }) => frame.type === "beat").map(({ frame }) => frame.monoMs);
    const gaps = beats.slice(1).map((time, at) => time - (beats[at] ?? 0));
    expect(gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)]).toBeLessThan(400);
    // Twelve beats: then a subscriber would give it up.
    expect(Math.max(...gaps)).toBeLessThan(3_000);
  });

  test("a flood of one XID hides no other", async () => {
    await using machine = new Machine();
    await using agent = await new AgentProcess(machine).listening();
    using listener = new Listener(agent.url);
    await listener.until(() => listener.hellos.length > 0, "hello");
    appendFileSync(machine.kmsg, `3,1,5,-;${XID}: 13, Graphics SM Warp Exception\n`.repeat(20_000));
    machine.log(`${XID}: 79, GPU has fallen off the bus.`);
    await listener.until(() => linesOf(listener).some((line) => line.kind === "xid" && line.code === 79), "XID 79");
    expect(linesOf(listener).length).toBeLessThan(200);
    expect(listener.connections).toEqual(["connected: snapshot"]);
  });
});

/** A pseudo terminal is a character device whose reads block, as those of /dev/kmsg do; `script` makes one. */
describe.skipIf(process.platform !== "linux")("the device", () => {
  test("is read as it comes, and its reader is started again when it ends", async () => {
    await using machine = new Machine();
    const holder = spawn("script", ["-qfc", "stty raw -echo; tty; exec sleep 60", "/dev/null"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    try {
      const [text] = await once(holder.stdout.setEncoding("utf8"), "data");
      const tty = /\/dev\/pts\/\d+/.exec(text as string)?.[0] ?? "";
      await using agent = await new AgentProcess(machine, { AGENT_KERNEL_LOG: tty }).listening();
      using listener = new Listener(agent.url);
      await listener.until(() => listener.hellos.length > 0, "hello");
      await sleep(200);
      holder.stdin.write(`3,7,5,-;${XID}: 79, one\n`);
      await listener.until(() => linesOf(listener).length === 1, "the first line");
      // What was read already is known by its number when the reader begins anew.
      holder.stdin.write(`3,7,5,-;${XID}: 79, one\n3,8,5,-;${XID}: 48, two\n`);
      await listener.until(() => linesOf(listener).length === 2, "the second line");
      expect(linesOf(listener).map(({ sequence }) => sequence)).toEqual([7, 8]);

      const { pid } = agent.child;
      process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")), "SIGKILL");
      await listener.heard({ kind: "monitor", monitor: "kernel-log", state: "failed" });
      await sleep(700);
      holder.stdin.write(`3,8,5,-;${XID}: 48, two\n3,9,5,-;${XID}: 62, three\n`);
      await listener.until(() => linesOf(listener).length === 3, "the third line");
      expect(await agent.stop()).toBe(0);
    } finally {
      holder.kill("SIGKILL");
    }
  });
});
