import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Files of one HCA under /sys/class/infiniband, as mlx5_core of a ConnectX-7 NDR card shows them. Values end with a newline. */
export function hcaFiles(machine: string, index: number): Record<string, string> {
  const guid = `${Buffer.from(machine).toString("hex").padEnd(8, "0").slice(0, 8)}00${index.toString(16).padStart(2, "0")}`;
  const words = `b83f:d203:${guid.slice(0, 4)}:${guid.slice(4, 8)}`;
  const port = "ports/1";
  const counters = ["link_downed", "link_error_recovery", "symbol_error", "port_rcv_errors", "port_xmit_discards"];
  return {
    node_guid: `${words}\n`,
    hca_type: "MT4129\n",
    fw_ver: "28.39.3004\n",
    board_id: "MT_0000000838\n",
    [`${port}/state`]: "4: ACTIVE\n",
    [`${port}/phys_state`]: "5: LinkUp\n",
    [`${port}/rate`]: "400 Gb/sec (4X NDR)\n",
    [`${port}/link_layer`]: "InfiniBand\n",
    [`${port}/lid`]: `0x${(index + 1).toString(16)}\n`,
    [`${port}/gids/0`]: `fe80:0000:0000:0000:${words}\n`,
    ...Object.fromEntries(counters.map((name) => [`${port}/counters/${name}`, "0\n"])),
  };
}

/** Writes the tree below `root` (the agents' root parameter; the machine's own /sys belongs to the host). Keeps what is there. */
export function writeInfiniband(root: string, machine: string, devices: number): void {
  for (let index = 0; index < devices; index++)
    for (const [path, content] of Object.entries(hcaFiles(machine, index))) {
      const file = join(root, "class", "infiniband", `mlx5_${index}`, path);
      mkdirSync(join(file, ".."), { recursive: true });
      try {
        // A port that somebody has taken down stays down when the plugin restarts.
        writeFileSync(file, content, { flag: "wx" });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
}

/** Takes a port of the tree below `root` down, as a pulled cable does, or brings it up; the card counts how often it went down. */
export function setPort(root: string, device: string, state: "up" | "down"): void {
  const port = join(root, "class", "infiniband", device, "ports", "1");
  const isUp = readFileSync(join(port, "state"), "utf8").startsWith("4");
  if (isUp === (state === "up")) return;
  if (isUp) {
    const counter = join(port, "counters", "link_downed");
    writeFileSync(counter, `${Number(readFileSync(counter, "utf8")) + 1}\n`);
  }
  writeFileSync(join(port, "phys_state"), isUp ? "3: Disabled\n" : "5: LinkUp\n");
  writeFileSync(join(port, "state"), isUp ? "1: DOWN\n" : "4: ACTIVE\n");
}

/** The cards of the tree below `root`: `mlx5_0`, … */
export function hcasOf(root: string): string[] {
  return readdirSync(join(root, "class", "infiniband")).sort();
}
