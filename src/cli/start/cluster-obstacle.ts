import { existsSync } from "node:fs";

/** Why no local cluster can run on this computer, in one sentence, or null if one can. */
export function clusterObstacle(): string | null {
  if (process.platform !== "linux") return `the local cluster needs Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return "the local cluster needs root: run again with sudo";
  if (!existsSync("/sys/fs/cgroup")) return "the local cluster needs cgroups, and /sys/fs/cgroup is not mounted";
  if (!existsSync("/usr/bin/apt-get")) return "the local cluster is made of Debian packages, and there is no apt-get";
  return null;
}
