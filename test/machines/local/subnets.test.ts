import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TandemError } from "../../../src/errors.ts";
import { assertFree, formatAddress, overlaps, parseSubnet } from "../../../src/machines/local/subnets.ts";

describe("parseSubnet", () => {
  it.each([
    ["10.231.0.0/24", "10.231.0.0/24", "10.231.0.0", "10.231.0.255"],
    ["10.231.0.77/24", "10.231.0.0/24", "10.231.0.0", "10.231.0.255"],
    ["192.168.1.9", "192.168.1.9/32", "192.168.1.9", "192.168.1.9"],
    ["240.0.0.0/4", "240.0.0.0/4", "240.0.0.0", "255.255.255.255"],
    ["0.0.0.0/0", "0.0.0.0/0", "0.0.0.0", "255.255.255.255"],
  ])("%s", (text, canonical, first, last) => {
    const subnet = parseSubnet(text);
    expect([subnet.text, formatAddress(subnet.first), formatAddress(subnet.last)]).toEqual([canonical, first, last]);
  });

  it.each(["10.0.0", "10.0.0.256/24", "10.0.0.0/33", "fd00::/64", ""])("refuses %j", (text) => {
    expect(() => parseSubnet(text)).toThrow(`${JSON.stringify(text)} is not an IPv4 network`);
  });
});

it("two networks overlap exactly when one holds the first address of the other", () => {
  const network = fc.tuple(fc.nat({ max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 })).map(([value, bits]) => {
    return parseSubnet(`${formatAddress(value)}/${bits}`);
  });
  fc.assert(
    fc.property(network, network, (a, b) => {
      const holds = (x: typeof a, value: number) => x.first <= value && value <= x.last;
      expect(overlaps(a, b)).toBe(holds(a, b.first) || holds(b, a.first));
      expect(overlaps(a, b)).toBe(overlaps(b, a));
    }),
  );
});

describe("assertFree", () => {
  const used = [
    { ...parseSubnet("10.0.0.0/8"), by: "via 192.168.1.1 on tun0" },
    { ...parseSubnet("192.168.1.5"), by: "an address of eth0" },
  ];

  it("names the field, both networks, the user of the network and a free one", () => {
    const attempt = () => assertFree({ subnet: "10.231.0.0/24", podCidr: "172.20.0.0/16" }, used);
    expect(attempt).toThrow(TandemError);
    expect(attempt).toThrow("subnet 10.231.0.0/24 overlaps 10.0.0.0/8 (via 192.168.1.1 on tun0)");
    expect(attempt).toThrow("172.29.231.0/24 is free here");
  });

  it("passes networks that nobody uses", () => {
    expect(() => assertFree({ subnet: "172.20.0.0/24", podCidr: "192.168.2.0/24" }, used)).not.toThrow();
  });
});
