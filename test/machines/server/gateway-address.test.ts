import { describe, expect, test } from "vitest";
import { firewallRules } from "../../../src/machines/server/firewall.ts";
import {
  type GatewayAddress,
  gatewayAddressFiles,
  keepalivedConfig,
  virtualRouterId,
} from "../../../src/machines/server/gateway-address.ts";
import type { NodeConfig } from "../../../src/machines/server/node-config.ts";

const gateway: GatewayAddress = {
  address: "10.0.0.100",
  prefixLength: 24,
  interface: "ens10f0",
  adminPort: 9478,
  replicas: [
    { name: "cp-1", address: "10.0.0.10" },
    { name: "gpu-c", address: "10.0.0.13" },
  ],
};

describe("the gateway's address", () => {
  test("each server speaks to the other one alone, from its own address", () => {
    const first = keepalivedConfig(gateway, "cp-1");
    const second = keepalivedConfig(gateway, "gpu-c");
    expect(first).toMatch(/unicast_src_ip 10\.0\.0\.10\n {2}unicast_peer \{\n {4}10\.0\.0\.13\n/);
    expect(second).toMatch(/unicast_src_ip 10\.0\.0\.13\n {2}unicast_peer \{\n {4}10\.0\.0\.10\n/);
    for (const text of [first, second]) expect(text).toContain("10.0.0.100/24 dev ens10f0");
  });

  test("the first replica of the spec wins an election, and nobody takes the address back", () => {
    const priority = (name: string) => Number(/priority (\d+)/.exec(keepalivedConfig(gateway, name))?.[1]);
    expect(priority("cp-1")).toBeGreaterThan(priority("gpu-c"));
    // Only a backup may say so: keepalived ignores it on a master.
    expect(keepalivedConfig(gateway, "cp-1")).toMatch(/state BACKUP\n {2}nopreempt/);
  });

  test("a takeover takes less than the 3 s that clients are promised", () => {
    const seconds = Number(/advert_int ([\d.]+)/.exec(keepalivedConfig(gateway, "cp-1"))?.[1]);
    // RFC 5798: three missed advertisements and a skew of at most one interval.
    expect(4 * seconds).toBeLessThan(2);
  });

  test("it is the admin port that is asked, each second, and a replica that hangs loses the address after two", () => {
    const text = keepalivedConfig(gateway, "cp-1");
    expect(text).toContain('script "/opt/tandem/bin/gateway-alive 9478"\n  interval 1\n  timeout 1\n  fall 2\n');
  });

  test("a server without a replica gets no configuration", () => {
    expect(() => keepalivedConfig(gateway, "gpu-a")).toThrow("gpu-a has no replica of the gateway");
  });

  test.each([
    ["10.0.0.100", 100],
    ["10.0.0.1", 1],
    ["10.0.0.255", 255],
  ])("the router id of %s is %i", (address, id) => expect(virtualRouterId(address)).toBe(id));

  test("the file with the configuration is its owner's alone", () => {
    const [file] = gatewayAddressFiles(gateway, "cp-1");
    expect(file).toMatchObject({ path: "/etc/tandem/keepalived.conf", mode: "600" });
  });
});

describe("the host firewall", () => {
  const config: NodeConfig = {
    name: "cp-1",
    address: "10.0.0.10",
    role: "control-plane",
    podCidr: "10.244.0.0/16",
    serviceCidr: "10.96.0.0/16",
    kubernetes: { version: "v1.36.3", path: "/nowhere" },
    images: [],
    firewall: { ports: ["8000"], admins: [], sshPort: 22 },
    local: false,
  };

  test("takes VRRP from the servers of the replicas alone, and says nothing of it elsewhere", () => {
    expect(firewallRules({ ...config, gateway })).toContain(
      "ip protocol vrrp ip saddr != { 10.0.0.10, 10.0.0.13 } drop",
    );
    expect(firewallRules(config)).not.toContain("vrrp");
  });

  test("never closes the port that SSH comes through", () => {
    expect(() => firewallRules({ ...config, firewall: { ...config.firewall, sshPort: 8000 } })).toThrow(
      expect.objectContaining({ code: "E_FIREWALL_SSH" }),
    );
  });
});
