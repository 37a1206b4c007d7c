import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { gpuUuid } from "./gpus.ts";

export interface DevicePluginOptions {
  machine: string;
  gpus: number;
  /** `/var/lib/kubelet/device-plugins`: the kubelet's socket and ours. */
  folder: string;
  resource?: string;
}

export interface DevicePlugin {
  /** Tells the kubelet of the health of each GPU; only a change is sent. */
  update(healthy: readonly boolean[]): void;
  /** Registers with the kubelet; again after each of its restarts. */
  register(): Promise<void>;
  close(): Promise<void>;
}

const PROTO =
  process.env.EMULATOR_DEVICE_PLUGIN_PROTO ?? fileURLToPath(new URL("./deviceplugin.proto", import.meta.url));
const SOCKET = "tandem-gpu.sock";

interface Api {
  Registration: grpc.ServiceClientConstructor;
  DevicePlugin: grpc.ServiceClientConstructor;
}

/** Serves a server's GPUs to its kubelet over the device plugin API v1beta1. */
export async function startDevicePlugin({
  machine,
  gpus,
  folder,
  resource = "nvidia.com/gpu",
}: DevicePluginOptions): Promise<DevicePlugin> {
  const loaded = grpc.loadPackageDefinition(loadSync(PROTO, { keepCase: true, longs: Number, defaults: true }));
  const api = loaded.v1beta1 as unknown as Api;
  const watchers = new Set<grpc.ServerWritableStream<unknown, unknown>>();
  let health: readonly boolean[] = Array.from({ length: gpus }, () => true);
  // Two sockets with four GPUs each: NUMA alignment works on the emulated server as on a real one.
  const devices = () => ({
    devices: health.map((healthy, index) => ({
      ID: gpuUuid(machine, index),
      health: healthy ? "Healthy" : "Unhealthy",
      topology: { nodes: [{ ID: index < gpus / 2 ? 0 : 1 }] },
    })),
  });
  const server = new grpc.Server();
  server.addService(api.DevicePlugin.service, {
    GetDevicePluginOptions: (_call: unknown, done: grpc.sendUnaryData<unknown>) =>
      done(null, { pre_start_required: false, get_preferred_allocation_available: false }),
    ListAndWatch: (call: grpc.ServerWritableStream<unknown, unknown>) => {
      watchers.add(call);
      for (const event of ["cancelled", "close", "error"]) call.on(event, () => watchers.delete(call));
      call.write(devices());
    },
    GetPreferredAllocation: (_call: unknown, done: grpc.sendUnaryData<unknown>) =>
      done(null, { container_responses: [] }),
    PreStartContainer: (_call: unknown, done: grpc.sendUnaryData<unknown>) => done(null, {}),
    Allocate: (
      call: grpc.ServerUnaryCall<{ container_requests: { devices_ids: string[] }[] }, unknown>,
      done: grpc.sendUnaryData<unknown>,
    ) =>
      done(null, {
        container_responses: call.request.container_requests.map(({ devices_ids }) => ({
          envs: { NVIDIA_VISIBLE_DEVICES: devices_ids.join(",") },
        })),
      }),
  });
  const path = join(folder, SOCKET);
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${path}`, grpc.ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    ),
  );
  return {
    update: (healthy) => {
      if (healthy.every((one, index) => one === health[index])) return;
      health = [...healthy];
      for (const watcher of watchers) watcher.write(devices());
    },
    register: () => register(api, join(folder, "kubelet.sock"), resource),
    close: () =>
      new Promise((resolve) => {
        server.forceShutdown();
        rmSync(path, { force: true });
        resolve();
      }),
  };
}

async function register(api: Api, kubelet: string, resource: string): Promise<void> {
  const client = new api.Registration(`unix://${kubelet}`, grpc.credentials.createInsecure());
  const request = { version: "v1beta1", endpoint: SOCKET, resource_name: resource };
  try {
    await new Promise<void>((resolve, reject) => {
      const deadline = new Date(Date.now() + 5000);
      const call = client.Register as (request: unknown, options: object, done: (error: Error | null) => void) => void;
      call.call(client, request, { deadline }, (error) => (error === null ? resolve() : reject(error)));
    });
  } finally {
    client.close();
  }
}
