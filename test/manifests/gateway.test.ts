import { describe, expect, test } from "vitest";
import { agentSettings } from "../../src/agent/config.ts";
import { parseGatewayConfig } from "../../src/gateway/config.ts";
import { nodeInputs } from "../../src/infra/program/node-inputs.ts";
import { baseUrlOf } from "../../src/infra/stack/stack-record.ts";
import { agentDaemon } from "../../src/manifests/agent.ts";
import { checksum } from "../../src/manifests/checksum.ts";
import { gatewayObjects } from "../../src/manifests/gateway.ts";
import { gatewayConfig } from "../../src/manifests/gateway-config.ts";
import { STACKS, stackPlan } from "../support/stacks.ts";

interface Container {
  command: string[];
  env: { name: string; value?: string }[];
  securityContext: { privileged?: boolean; capabilities?: { add?: string[] } };
}

const FOLDERS = { tls: "/tls", state: "/state" };
const withGateway = STACKS.map(stackPlan).filter(({ spec }) => spec.gateway !== undefined);
const podOf = (object: object) =>
  (object as { spec: { template: { spec: { containers: Container[] } } } }).spec.template;

describe("the gateway", () => {
  test.each(withGateway.map((plan) => [plan.name, plan] as const))(
    "%s: the gateway accepts its configuration",
    (_name, plan) => {
      const config = parseGatewayConfig(gatewayConfig(plan, FOLDERS));
      expect(Object.keys(config.groups)).toEqual(Object.keys(plan.groups).sort());
      for (const { servers } of Object.values(config.groups)) {
        for (const server of servers) expect(config.servers[server]?.agent).toMatch(/^http:\/\/[\d.]+:9477$/);
      }
      // Keys, even hashed, are not for everybody who may read a ConfigMap.
      expect(config.keys).toEqual([]);
    },
  );

  test.each([
    ["example", 128],
    ["local", 1024],
  ])("%s: as much may wait as its engine runs at once, %i, beside what runs in both groups", (name, running) => {
    const plan = stackPlan(name);
    expect(plan.launch.leader.args.join(" ")).toContain(`--max-running-requests ${running} `);
    const { maxRequests, maxEngineQueue } = parseGatewayConfig(gatewayConfig(plan, FOLDERS)).limits;
    expect([maxRequests, maxEngineQueue]).toEqual([3 * running, running]);
  });

  test.each([
    ["as the spec says nothing", {}, [], true],
    ["as the spec says", { warmStandby: false }, [], false],
    ["but an engine without a prefix cache", {}, ["--disable-radix-cache"], false],
  ])("the standby reads along %s", (_, gateway, args, warm) => {
    const { spec, launch, ...plan } = stackPlan("example");
    const leader = { ...launch.leader, args: [...launch.leader.args, ...args] };
    const changed = {
      ...plan,
      spec: { ...spec, gateway: { ...spec.gateway, ...gateway } },
      launch: { ...launch, leader },
    };
    expect(parseGatewayConfig(gatewayConfig(changed as ReturnType<typeof stackPlan>, FOLDERS)).warmStandby).toBe(warm);
  });

  test("another configuration is another pod", () => {
    const plan = stackPlan("example");
    const pod = (changed: typeof plan) => JSON.stringify(podOf(gatewayObjects(changed).at(-1) ?? {}));
    const longer = { ...plan, model: { ...plan.model, contextLength: plan.model.contextLength + 1 } };
    expect(pod(plan)).toBe(pod(stackPlan("example")));
    expect(pod(longer)).not.toBe(pod(plan));
    // A server that is added is in the file for whoever starts later, and restarts nobody.
    const added = structuredClone(plan);
    added.spec.spares.push("gpu-x");
    added.spec.servers["gpu-x"] = {
      ...(plan.spec.servers["gpu-a"] as (typeof plan.spec.servers)[string]),
      address: "10.9.9.9",
    };
    expect(pod(added)).toBe(pod(plan));
    expect(JSON.stringify(gatewayObjects(added)[0])).toContain("10.9.9.9");
  });

  test("with a certificate clients and probes come over TLS, and the keeper of the address does not", () => {
    const { spec, ...plan } = stackPlan("local");
    const { gateway } = spec;
    if (gateway === undefined) throw new Error("the local stack has a gateway");
    const secured = { ...plan, spec: { ...spec, gateway: { ...gateway, tls: { secret: "gateway-certificate" } } } };
    expect(parseGatewayConfig(gatewayConfig(secured, FOLDERS)).listen).toMatchObject({
      tls: { cert: "/tls/tls.crt", key: "/tls/tls.key" },
    });
    const pod = JSON.stringify(podOf(gatewayObjects(secured).at(-1) ?? {}));
    expect(pod).toContain('"secret":{"secretName":"gateway-certificate","defaultMode":288}');
    expect(pod).toContain('"mountPath":"/etc/tandem-tls"');
    expect(pod).not.toContain('"scheme":"HTTP"');
    expect(baseUrlOf(secured)).toBe(`https://${gateway.address}:${gateway.port}/v1`);
    const on = gateway.on[0] ?? "";
    const target = { name: on, address: "10.0.0.1", port: 22, user: "root" };
    const inputs = { plan: secured, spec: secured.spec, file: "", name: "local", prepared: undefined, bmcs: {} };
    expect(nodeInputs(inputs as never, { role: "gpu", target } as never)).toMatchObject({
      gateway: { adminPort: 9478 },
    });
  });

  test("a spec without a gateway has none of its objects", () => {
    const { spec, ...plan } = stackPlan("example");
    const { gateway: _, ...rest } = spec;
    expect(gatewayObjects({ ...plan, spec: rest })).toEqual([]);
  });
});

describe("the agent", () => {
  test.each(STACKS)("%s: the agent accepts its settings", (name) => {
    const [container] = podOf(agentDaemon(stackPlan(name))).spec.containers;
    const env = Object.fromEntries(container?.env.map(({ name, value }) => [name, value ?? "gpu-a"]) ?? []);
    expect(agentSettings(env)).toMatchObject({ AGENT_SERVER: "gpu-a", AGENT_PORT: 9477 });
  });

  test("only emulated servers have their InfiniBand tree elsewhere", () => {
    const sys = (name: string) =>
      JSON.stringify(agentDaemon(stackPlan(name))).match(/"AGENT_SYS","value":"([^"]+)"/)?.[1];
    expect([sys("local"), sys("example")]).toEqual(["/run/tandem/sys", "/sys"]);
  });
});

test.each([
  ["", "811c9dc5"],
  ["a", "e40c292c"],
  ["foobar", "bf9cf968"],
])("FNV-1a of %j is %s (the published vectors)", (text, sum) => expect(checksum(text)).toBe(sum));
