import { execFileSync } from "node:child_process";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What local machines could leave on a computer, each kind as sorted lines. */
export type HostTrace = Record<
  "links" | "routes" | "firewall" | "mounts" | "cgroups" | "processes" | "sysctls" | "files",
  string[]
>;

// Counters and clocks: they move by themselves.
const MOVING =
  /\/(random|ns_last_pid|pty\/nr|.*_state|inode-nr|file-nr|dentry-.*|quota\/syncs|inode-state|epoll.*|sched_domain|rand.*|.*_count|.*-nr)$|\/random\/|\/pty\/|nf_conntrack_count|aio-nr|\/net\/.*(veth|tandem-)/;

/**
 * Takes the trace. `firewallPath` is where the xtables programs lie; processes are those that name `home`. `others`
 * matches what somebody else makes or removes meanwhile (another TANDEM_HOME on the same computer).
 */
export function hostTrace(home: string, firewallPath: string, others: RegExp): HostTrace {
  const keep = (lines: string[]) => lines.filter((line) => line !== "" && !others.test(line)).sort();
  return {
    links: keep(links()),
    routes: keep(
      run("ip", ["-4", "route", "show", "table", "all"])
        .split("\n")
        .map((line) => line.replace(/ +$/, "")),
    ),
    firewall: keep(firewall(firewallPath)),
    mounts: keep(
      readFileSync("/proc/self/mountinfo", "utf8")
        .split("\n")
        .map((line) => line.split(" ").slice(4).join(" ")),
    ),
    cgroups: keep(folders("/sys/fs/cgroup", 4)),
    processes: keep(processes(home)),
    sysctls: keep(settings("/proc/sys")),
    files: keep(files()),
  };
}

/** Lines that only one of two traces has: `+` appeared, `-` went away. Empty when nothing was left. */
export function traceDifference(before: HostTrace, after: HostTrace): string[] {
  return (Object.keys(before) as (keyof HostTrace)[]).flatMap((kind) => [
    ...after[kind].filter((line) => !before[kind].includes(line)).map((line) => `+ ${kind}: ${line}`),
    ...before[kind].filter((line) => !after[kind].includes(line)).map((line) => `- ${kind}: ${line}`),
  ]);
}

/** Names in the folders that programs write to unasked, and everything in those of container engines. */
function files(): string[] {
  const folders = [
    "/run",
    "/etc",
    "/var/lib",
    "/var/lib/apt/lists",
    "/opt",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/root",
  ];
  const listening = readFileSync("/proc/net/unix", "utf8");
  return [
    ...folders.flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])),
    ...globSync("/tmp/{mmdebstrap,docker,containerd}*"),
    ...globSync("/etc/{docker,cni,systemd,apt}/**"),
    // A socket that somebody listens on is another engine's.
    ...globSync("/run/{docker,containerd}/**").filter((path) => !listening.includes(path)),
  ];
}

interface Link {
  ifname: string;
  operstate: string;
  master?: string;
}

function links(): string[] {
  const rows = JSON.parse(run("ip", ["-json", "link"])) as Link[];
  return rows.map(({ ifname, operstate, master }) => `${ifname} ${operstate} on ${master ?? "nothing"}`);
}

function firewall(path: string): string[] {
  const env = {
    ...process.env,
    PATH: `${path}:${process.env.PATH}`,
    LD_LIBRARY_PATH: join(path, "../lib/x86_64-linux-gnu"),
  };
  const commands = [
    ["xtables-nft-multi", "iptables-save"],
    ["xtables-legacy-multi", "iptables-save"],
  ];
  return commands.flatMap(([program = "", ...args]) =>
    execFileSync(program, args, { env, encoding: "utf8" })
      .split("\n")
      .filter((line) => !line.startsWith("#"))
      // Counters move with every packet.
      .map((line) => `${program} ${line.replace(/\[\d+:\d+\]/, "")}`),
  );
}

function processes(home: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(home));
}

function settings(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (MOVING.test(path)) return [];
    if (entry.isDirectory()) return settings(path);
    try {
      return [`${path} ${readFileSync(path, "utf8").trim()}`];
    } catch {
      return [];
    }
  });
}

function folders(root: string, depth: number): string[] {
  if (depth === 0) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => [join(root, entry.name), ...folders(join(root, entry.name), depth - 1)]);
}

function run(program: string, args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8" });
}
