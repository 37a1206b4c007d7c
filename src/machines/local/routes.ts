import { execa } from "execa";
import { parseSubnet, type UsedSubnet } from "./subnets.ts";

interface RouteRow {
  type?: string;
  dst: string;
  dev?: string;
  gateway?: string;
  protocol?: string;
  metric?: number;
}

// Our mark on routes, so that only our own are ever deleted; 4 to 185 are unassigned in iproute2's rt_protos except a few.
const PROTOCOL = "84";
// The worst metric there is: the route counts only when the link's own route is gone.
const METRIC = "4294967295";

/** Every network that a route or an address of this machine covers, except the default route and our own black holes. */
export async function usedSubnets(): Promise<UsedSubnet[]> {
  const routes = await ipJson<RouteRow>(["-4", "-json", "route", "show", "table", "all"]);
  return routes
    .filter(({ dst, type, protocol }) => dst !== "default" && protocol !== PROTOCOL && type !== "broadcast")
    .filter(({ dst }) => dst !== "0.0.0.0/0")
    .map((route) => ({
      ...parseSubnet(route.dst),
      by: describe(route),
      ...(route.dev === undefined ? {} : { link: route.dev }),
    }));
}

/**
 * Makes traffic for `networks` end here when no better route exists: without it, packets for machines whose link is
 * gone would follow the default route out of this computer. Repeating is harmless.
 */
export async function addBlackholes(networks: readonly string[]): Promise<void> {
  for (const network of networks) {
    await execa("ip", ["-4", "route", "replace", "blackhole", network, "metric", METRIC, "proto", PROTOCOL]);
  }
}

/** Takes our black holes away; absent is fine. */
export async function removeBlackholes(networks: readonly string[]): Promise<void> {
  for (const network of networks) {
    const { stdout } = await execa("ip", [
      "-4",
      "route",
      "show",
      "type",
      "blackhole",
      "exact",
      network,
      "proto",
      PROTOCOL,
    ]);
    if (stdout.trim() === "") continue;
    await execa("ip", ["-4", "route", "del", "blackhole", network, "metric", METRIC, "proto", PROTOCOL]);
  }
}

/** Runs `ip` with JSON output. */
export async function ipJson<T>(args: readonly string[]): Promise<T[]> {
  const { stdout } = await execa("ip", args);
  return stdout.trim() === "" ? [] : (JSON.parse(stdout) as T[]);
}

function describe({ type, dev, gateway }: RouteRow): string {
  if (type === "local") return `an address of ${dev ?? "this machine"}`;
  return [type ?? "route", gateway && `via ${gateway}`, dev && `on ${dev}`].filter(Boolean).join(" ");
}
