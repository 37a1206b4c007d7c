import { readFileSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { DeviceHealth } from "./device-health.ts";
import { type DevicePlugin, startDevicePlugin } from "./device-plugin.ts";
import { writeInfiniband } from "./infiniband.ts";

/** The real plugin waits for NVML events up to 5 s at a time; half a second costs nothing and keeps tests short. */
const POLL_MS = 500;
const FOLDER = process.env.EMULATOR_DEVICE_PLUGIN_FOLDER ?? "/var/lib/kubelet/device-plugins";
const MACHINE_FILE = process.env.TANDEM_MACHINE_FILE ?? "/etc/tandem/machine.json";
const OVERRIDES = process.env.TANDEM_GPU_FAULTS ?? "/run/tandem/gpus.tsv";
const KERNEL_LOG = process.env.EMULATOR_KERNEL_LOG ?? "/dev/kmsg";
const SYSFS = process.env.EMULATOR_SYSFS ?? "/run/tandem/sys";

/** `python3 -m tandem.device_plugin`: the GPUs and the InfiniBand ports of one emulated server, until SIGTERM. */
export async function main(): Promise<void> {
  // As the real one is called: whoever resets a GPU ends it by this name, so that it offers that GPU again.
  process.title = "nvidia-device-plugin";
  const { name, gpus } = JSON.parse(readFileSync(MACHINE_FILE, "utf8")) as { name: string; gpus: number };
  if (!(gpus > 0)) {
    console.log(`${name} has no GPUs; nothing to serve`);
    setInterval(() => {}, 2 ** 30);
    return;
  }
  writeInfiniband(SYSFS, name, gpus);
  const plugin = await startDevicePlugin({ machine: name, gpus, folder: FOLDER });
  const health = new DeviceHealth(gpus, { kernelLog: KERNEL_LOG, overrides: OVERRIDES });
  process.on("SIGTERM", () => void plugin.close().then(() => process.exit(0)));
  console.log(`serving ${gpus} GPUs of ${name}`);
  let registered = "";
  for (;;) {
    const kubelet = kubeletSocket();
    if (kubelet !== null && kubelet !== registered) registered = (await tryRegister(plugin)) ? kubelet : "";
    plugin.update(health.read());
    await sleep(POLL_MS);
  }
}

/** Identity of the kubelet's socket: a restarted kubelet makes a new one and has forgotten us. */
function kubeletSocket(): string | null {
  try {
    const { ino, ctimeMs } = statSync(`${FOLDER}/kubelet.sock`);
    return `${ino} ${ctimeMs}`;
  } catch {
    return null;
  }
}

async function tryRegister(plugin: DevicePlugin): Promise<boolean> {
  try {
    await plugin.register();
    console.log("registered nvidia.com/gpu with the kubelet");
    return true;
  } catch (error) {
    console.error(`the kubelet does not answer yet: ${(error as Error).message}`);
    return false;
  }
}
