import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeviceHealth } from "../../../src/emulator/gpu/device-health.ts";
import { type DevicePlugin, startDevicePlugin } from "../../../src/emulator/gpu/device-plugin.ts";
import { gpuUuid } from "../../../src/emulator/gpu/gpus.ts";
import { writeInfiniband } from "../../../src/emulator/gpu/infiniband.ts";
import { appendScript, kmsgRecord, readXid, unhealthyGpu, xidLine } from "../../../src/emulator/gpu/kernel-log.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "device-plugin-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Device {
  ID: string;
  health: string;
}

describe("the device plugin, against a kubelet's side of the API", () => {
  const proto = new URL("../../../src/emulator/gpu/deviceplugin.proto", import.meta.url).pathname;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is in the proto file
  const api = grpc.loadPackageDefinition(loadSync(proto, { keepCase: true })).v1beta1 as any;
  let plugin: DevicePlugin;
  let kubelet: grpc.Server;
  // biome-ignore lint/suspicious/noExplicitAny: a client of loaded services has no types
  let client: any;
  const registered: unknown[] = [];

  beforeEach(async () => {
    registered.length = 0;
    kubelet = new grpc.Server();
    kubelet.addService(api.Registration.service, {
      Register: (call: { request: unknown }, done: (error: null, value: object) => void) => {
        registered.push(call.request);
        done(null, {});
      },
    });
    await new Promise((resolve) =>
      kubelet.bindAsync(`unix://${folder}/kubelet.sock`, grpc.ServerCredentials.createInsecure(), resolve),
    );
    plugin = await startDevicePlugin({ machine: "gpu-a", gpus: 8, folder });
    client = new api.DevicePlugin(`unix://${folder}/tandem-gpu.sock`, grpc.credentials.createInsecure());
  });
  afterEach(async () => {
    client.close();
    await plugin.close();
    kubelet.forceShutdown();
  });

  test("registers nvidia.com/gpu in the version that the kubelet speaks", async () => {
    await plugin.register();
    expect(registered).toEqual([
      expect.objectContaining({ version: "v1beta1", endpoint: "tandem-gpu.sock", resource_name: "nvidia.com/gpu" }),
    ]);
  });

  test("a kubelet that is away is an error, not a hang", async () => {
    kubelet.forceShutdown();
    await expect(plugin.register()).rejects.toThrow();
  });

  test("lists eight devices at once, and each change of health", async () => {
    const watch = client.ListAndWatch({});
    watch.on("error", () => {});
    const lists = watch[Symbol.asyncIterator]() as AsyncIterator<{ devices: Device[] }>;
    const next = async () => (await lists.next()).value.devices as Device[];
    expect((await next()).map(({ ID, health }) => [ID, health])).toEqual(
      Array.from({ length: 8 }, (_, at) => [gpuUuid("gpu-a", at), "Healthy"]),
    );
    plugin.update(Array.from({ length: 8 }, () => true));
    plugin.update(Array.from({ length: 8 }, (_, at) => at !== 5));
    expect((await next()).filter(({ health }) => health === "Unhealthy").map(({ ID }) => ID)).toEqual([
      gpuUuid("gpu-a", 5),
    ]);
    watch.cancel();
  });

  test("an allocation names its GPUs to the container", async () => {
    const answer = await new Promise((resolve, reject) =>
      client.Allocate(
        { container_requests: [{ devices_ids: ["GPU-1", "GPU-2"] }] },
        (error: Error | null, value: unknown) => (error === null ? resolve(value) : reject(error)),
      ),
    );
    expect(answer).toEqual({ container_responses: [{ envs: { NVIDIA_VISIBLE_DEVICES: "GPU-1,GPU-2" } }] });
  });
});

describe("kernel log", () => {
  test("a record as the kernel writes it is read back", () => {
    const record = kmsgRecord(
      17,
      5_000_123.4,
      xidLine({ xid: 79, gpu: 3, detail: "pid=1, name=python3, GPU has fallen off the bus." }),
    );
    expect(record).toBe(
      "3,17,5000123,-;NVRM: Xid (PCI:0000:61:00): 79, pid=1, name=python3, GPU has fallen off the bus.\n",
    );
    expect(readXid(record)).toEqual({ xid: 79, pci: "0000:61:00" });
  });

  test.each([
    ["a user's line with the same text", "11,1,5,-;NVRM: Xid (PCI:0000:61:00): 79, x"],
    ["an XID quoted later in a line", "3,1,5,-;audit: NVRM: Xid (PCI:0000:61:00): 79"],
    ["garbage", "\u0000\u0001;;;,,,"],
    ["nothing", ""],
  ])("%s is no XID", (_name, record) => expect(readXid(record)).toBeNull());

  test.each([
    [79, 3],
    [48, 3],
    [31, null],
    [109, null],
  ])("XID %i makes GPU %j unhealthy", (xid, gpu) => expect(unhealthyGpu({ xid, pci: "0000:61:00" })).toBe(gpu));

  test("the script appends a record with the machine's own time and prints when", () => {
    const log = join(folder, "kmsg");
    writeFileSync(log, "");
    const script = appendScript(xidLine({ xid: 48, gpu: 0, detail: "it's bad" })).replaceAll("/dev/kmsg", log);
    const before = Date.now();
    const nanos = Number(execFileSync("sh", ["-c", script], { encoding: "utf8" }));
    expect(nanos / 1e6).toBeGreaterThanOrEqual(before - 1);
    expect(readFileSync(log, "utf8")).toMatch(/^3,0,\d+,-;NVRM: Xid \(PCI:0000:1b:00\): 48, it's bad\n$/);
  });

  test("there is no ninth GPU", () => expect(() => xidLine({ xid: 79, gpu: 8, detail: "" })).toThrow("0 to 7"));
});

describe("device health", () => {
  const sources = () => ({ kernelLog: join(folder, "kmsg"), overrides: join(folder, "gpus.tsv") });
  const bad = (health: DeviceHealth) => health.read().flatMap((healthy, gpu) => (healthy ? [] : [gpu]));

  test("an XID after the start counts for good, one before it does not, halves of a line are joined", () => {
    const line = (gpu: number) => kmsgRecord(1, 1, xidLine({ xid: 79, gpu, detail: "off" }));
    writeFileSync(sources().kernelLog, line(0));
    const health = new DeviceHealth(8, sources());
    expect(bad(health)).toEqual([]);
    appendFileSync(sources().kernelLog, line(2).slice(0, 25));
    expect(bad(health)).toEqual([]);
    appendFileSync(sources().kernelLog, line(2).slice(25));
    expect(bad(health)).toEqual([2]);
    // A reboot of the machine empties the log; the plugin of that boot would be a new one.
    writeFileSync(sources().kernelLog, line(4));
    expect(bad(health)).toEqual([2, 4]);
  });

  test("overrides win both ways and can be taken back", () => {
    const health = new DeviceHealth(8, sources());
    writeFileSync(sources().overrides, "1\tlost\t1\n6\thealth\tUnhealthy\nnonsense\n");
    expect(bad(health)).toEqual([1, 6]);
    rmSync(sources().overrides);
    expect(bad(health)).toEqual([]);
  });
});

test("InfiniBand ports look active, and a port that was taken down stays down", () => {
  writeInfiniband(folder, "gpu-a", 8);
  const state = join(folder, "class/infiniband/mlx5_3/ports/1/state");
  expect(readFileSync(state, "utf8")).toBe("4: ACTIVE\n");
  writeFileSync(state, "1: DOWN\n");
  writeInfiniband(folder, "gpu-a", 8);
  expect(readFileSync(state, "utf8")).toBe("1: DOWN\n");
});
