import { TandemError } from "../../errors.ts";

/** An IPv4 network as numbers. */
export interface Subnet {
  text: string;
  first: number;
  last: number;
}

/** A network that this machine uses already, and by what. */
export interface UsedSubnet extends Subnet {
  by: string;
  /** The network link that leads there, where it is one of this machine. */
  link?: string;
}

/** Parses `10.231.0.0/24`; a bare address is a /32. Host bits are cleared. @throws Error when it is neither. */
export function parseSubnet(text: string): Subnet {
  const [address = "", bits = "32"] = text.split("/");
  const octets = address.split(".").map(Number);
  const length = Number(bits);
  if (octets.length !== 4 || octets.some((octet) => !(octet >= 0 && octet <= 255)) || !(length >= 0 && length <= 32)) {
    throw new Error(`${JSON.stringify(text)} is not an IPv4 network`);
  }
  // Multiplied, not shifted: JavaScript's shifts are signed 32-bit.
  const value = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const size = 2 ** (32 - length);
  const first = value - (value % size);
  return { text: `${formatAddress(first)}/${length}`, first, last: first + size - 1 };
}

export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** Networks that companies rarely route, in the order they are offered. */
const CANDIDATES = ["10.231.0.0/24", "10.239.17.0/24", "172.29.231.0/24", "192.168.231.0/24", "10.113.57.0/24"];

/**
 * Refuses networks that this machine uses: the link of the local machines would take their traffic over.
 *
 * @param wanted the spec's field and its network.
 * @throws TandemError E_SUBNET_TAKEN that names every clash and a free network.
 */
export function assertFree(wanted: Record<string, string>, used: readonly UsedSubnet[]): void {
  const clashes = Object.entries(wanted).flatMap(([field, text]) =>
    used
      .filter((one) => overlaps(one, parseSubnet(text)))
      .map((one) => `${field} ${text} overlaps ${one.text} (${one.by})`),
  );
  if (clashes.length === 0) return;
  const all = [...used, ...Object.values(wanted).map(parseSubnet)];
  const free = CANDIDATES.find((candidate) => !all.some((one) => overlaps(one, parseSubnet(candidate))));
  throw new TandemError({
    code: "E_SUBNET_TAKEN",
    what: "a network of this stack is in use on this machine",
    why: clashes.join("; "),
    fix: `choose another network in the spec${free ? `; ${free} is free here` : ""}, then run the same command again`,
  });
}
