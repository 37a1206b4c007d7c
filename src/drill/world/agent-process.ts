import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { entryPath } from "../../machines/entry-path.ts";
import { quoted } from "../../shell-word.ts";
import { Child } from "./child.ts";
import type { EmulatedServer } from "./emulated-server.ts";

const AGENT = entryPath(new URL("../../agent/main.ts", import.meta.url));
const NVIDIA_SMI = fileURLToPath(new URL("../../emulator/gpu/nvidia-smi.sh", import.meta.url));
const DF = fileURLToPath(new URL("../../emulator/gpu/df.sh", import.meta.url));
/** Ranks start all at once here, and a fault may come within a second of it. */
const PROCESS_SCAN_MS = 200;

let boots = 0;

/**
 * Starts the real agent for one emulated server: its own kernel log, GPUs, ports, ranks and folders, everything else shared.
 * `env` changes its settings.
 */
export function startAgent(server: EmulatedServer, token: string, env: Record<string, string> = {}): Child {
  const { name, group, ports, folder } = server.place;
  const smi = join(folder, "nvidia-smi");
  writeFileSync(smi, nvidiaSmi(server), { mode: 0o755 });
  const df = join(folder, "df");
  writeFileSync(df, diskFree(server), { mode: 0o755 });
  const child = new Child({
    name: `agent of ${name}`,
    script: AGENT,
    env: {
      AGENT_SERVER: name,
      AGENT_GROUP: group,
      AGENT_HOST: "127.0.0.1",
      AGENT_PORT: String(ports.agent),
      AGENT_TOKEN: token,
      // A server that was off comes back with another one.
      AGENT_BOOT_ID: `rehearsal-${name}-${++boots}`,
      AGENT_KERNEL_LOG: server.kernelLog,
      AGENT_PROC: process.platform === "linux" ? "/proc" : "off",
      AGENT_PROCESS_SCAN_MS: String(PROCESS_SCAN_MS),
      AGENT_ENGINE_MATCH: `--port ${ports.http} `,
      AGENT_NVIDIA_SMI: `/bin/sh ${smi}`,
      AGENT_SYS: join(folder, "sys"),
      ...env,
      AGENT_WEIGHTS: server.weights,
      AGENT_KERNEL_CACHE: server.kernelCache,
      AGENT_DF: `/bin/sh ${df}`,
      ...env,
    },
  });
  server.agent = child;
  return child;
}

function diskFree(server: EmulatedServer): string {
  return `#!/bin/sh\nexport TANDEM_DISK_FAULTS=${quoted(server.diskFaults)}\nexec /bin/sh ${quoted(DF)} "$@"\n`;
}

function nvidiaSmi(server: EmulatedServer): string {
  return (
    `#!/bin/sh\nexport TANDEM_MACHINE_FILE=${quoted(server.machineFile)} TANDEM_GPU_FAULTS=${quoted(server.gpuFaults)}\n` +
    `exec /bin/sh ${quoted(NVIDIA_SMI)} "$@"\n`
  );
}
