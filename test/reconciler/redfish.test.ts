import { X509Certificate } from "node:crypto";
import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type Bmc as Served, startBmc } from "../../src/emulator/bmc/redfish.ts";
import { type Bmc, type BmcAccess, redfish } from "../../src/reconciler/bmc/redfish.ts";
import { certificateForLoopback } from "../support/certificate.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const password = "never to be seen";

async function bmc(): Promise<{ served: Served; state: { on: boolean }; cert: string }> {
  const state = { on: true };
  const { cert, key } = certificateForLoopback("factory");
  const power = {
    state: async () => (state.on ? ("On" as const) : ("Off" as const)),
    on: async () => {
      state.on = true;
    },
    off: async () => {
      state.on = false;
    },
  };
  const tls = { key, cert };
  const served = await startBmc({ host: "127.0.0.1", port: 0, user: "root", password, server: "gpu-a", power, tls });
  ends.push(() => served.close());
  return { served, state, cert };
}

function open(access: Partial<BmcAccess> & { url: string }): Bmc {
  const client = redfish({ user: "root", password, ...access });
  ends.push(() => client.close());
  return client;
}

describe("a BMC over TLS", () => {
  test("cuts the power and says so; on again by the same order", async () => {
    const { served, state, cert } = await bmc();
    const client = open({ url: served.url, ca: cert });
    expect(await client.power()).toBe("on");
    await client.reset("ForceOff");
    await expect.poll(() => client.power()).toBe("off");
    expect(state.on).toBe(false);
    await client.reset("On");
    await expect.poll(() => client.power()).toBe("on");
  });

  test("is spoken to in HTTP/1.1, though it offers HTTP/2", async () => {
    const { cert, key } = certificateForLoopback("factory");
    const versions: string[] = [];
    const server = createSecureServer({ cert, key, allowHTTP1: true }, ({ httpVersion }, response) => {
      versions.push(httpVersion);
      response.writeHead(500).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ends.push(async () => server.close());
    const client = open({ url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, ca: cert });
    await expect(client.power()).rejects.toMatchObject({ code: "E_BMC" });
    expect(versions).toEqual(["1.1"]);
  });

  test("nothing is read between the look at the power, after which the lease is checked, and the order", async () => {
    const asked: string[] = [];
    const { cert, key } = certificateForLoopback("factory");
    const server = createServer({ key, cert }, ({ method, url }, response) => {
      asked.push(`${method} ${url}`);
      const target = "/orders/reset";
      response.end(
        url === "/redfish/v1/Systems"
          ? JSON.stringify({ Members: [{ "@odata.id": "/system" }] })
          : JSON.stringify({ PowerState: "On", Actions: { "#ComputerSystem.Reset": { target } } }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ends.push(() => new Promise((resolve) => server.close(resolve)));
    const client = open({ url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, ca: cert });
    await client.power();
    asked.splice(0);
    await client.reset("ForceOff");
    expect(asked).toEqual(["POST /orders/reset"]);
  });

  test("a pinned fingerprint is enough, in any spelling", async () => {
    const { served, cert } = await bmc();
    const { fingerprint256 } = new X509Certificate(cert);
    expect(await open({ url: served.url, fingerprint: fingerprint256 }).power()).toBe("on");
    expect(await open({ url: served.url, fingerprint: fingerprint256.replaceAll(":", "").toLowerCase() }).power()).toBe(
      "on",
    );
  });

  test.each<[string, (cert: string) => Partial<BmcAccess>, RegExp]>([
    ["another certificate than the pinned one", () => ({ fingerprint: "AA:BB" }), /not the pinned one/],
    ["a certificate that nobody vouches for", () => ({}), /self.signed|certificate/i],
    ["a wrong password", (ca) => ({ ca, password: "wrong" }), /401/],
  ])("%s is refused, and no password is told", async (_name, access, why) => {
    const { served, cert } = await bmc();
    const error = await open({ url: served.url, ...access(cert) })
      .power()
      .catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: "E_BMC", why: expect.stringMatching(why) });
    expect(JSON.stringify(error)).not.toContain(password);
  });
});
