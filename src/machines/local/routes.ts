import { execa } from "execa";
import { TandemError } from "../../errors.ts";
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
    await ip(["-4", "route", "replace", "blackhole", network, "metric", METRIC, "proto", PROTOCOL]);
  }
}

/** Takes our black holes away; absent is fine. */
export async function removeBlackholes(networks: readonly string[]): Promise<void> {
  for (const network of networks) {
    const found = await ip(["-4", "route", "show", "type", "blackhole", "exact", network, "proto", PROTOCOL]);
    if (found.trim() === "") continue;
    await ip(["-4", "route", "del", "blackhole", network, "metric", METRIC, "proto", PROTOCOL]);
  }
}

/** Runs `ip` with JSON output. */
export async function ipJson<T>(args: readonly string[]): Promise<T[]> {
  const text = await ip(args);
  return text.trim() === "" ? [] : (JSON.parse(text) as T[]);
}

/** @throws TandemError E_HOST_PROGRAMS where there is no `ip` */
async function ip(args: readonly string[]): Promise<string> {
  try {
    return (await execa("ip", args)).stdout;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new TandemError({
      code: "E_HOST_PROGRAMS",
      what: "this computer lacks ip",
      why: "the routes and links of local machines are read and made with it",
      fix: "install iproute2, and run the same command again",
      cause,
    });
  }
}

function describe({ type, dev, gateway }: RouteRow): string {
  if (type === "local") return `an address of ${dev ?? "this machine"}`;
  return [type ?? "route", gateway && `via ${gateway}`, dev && `on ${dev}`].filter(Boolean).join(" ");
}
