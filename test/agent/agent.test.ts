import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { agentSettings } from "../../src/agent/config.ts";
import { AgentProcess, Listener, Machine, TOKEN } from "./agent-process.ts";

describe("settings", () => {
  test.each([
    ["no name", { AGENT_TOKEN: TOKEN }, "AGENT_SERVER"],
    ["no token", { AGENT_SERVER: "a" }, "AGENT_TOKEN or AGENT_TOKEN_FILE"],
    ["a short token", { AGENT_SERVER: "a", AGENT_TOKEN: "secret" }, "AGENT_TOKEN"],
    ["half of TLS", { AGENT_SERVER: "a", AGENT_TOKEN: TOKEN, AGENT_TLS_CERT: "/x" }, "both or none"],
    ["a port that is none", { AGENT_SERVER: "a", AGENT_TOKEN: TOKEN, AGENT_PORT: "70000" }, "AGENT_PORT"],
  ])("%s is refused by name", (_name, env, expected) => {
    expect(() => agentSettings(env)).toThrow(expected);
    expect(() => agentSettings(env)).not.toThrow("secret");
  });

  test("an agent that cannot start says why and ends with 1", async () => {
    await using machine = new Machine();
    await using agent = new AgentProcess(machine, { AGENT_SERVER: "" });
    await expect(agent.listening()).rejects.toThrow("AGENT_SERVER");
    expect(agent.child.exitCode).toBe(1);
  });
});

describe("a running agent", () => {
  test("lets in only who has its token, and takes a new one from its file", async () => {
    await using machine = new Machine();
    const file = machine.path("token");
    writeFileSync(file, "the-first-token-of-it\n");
    await using agent = await new AgentProcess(machine, { AGENT_TOKEN_FILE: file }).listening();
    const status = async (token: string) => {
      const response = await fetch(`${agent.url}/v1/stream`, { headers: { authorization: `Bearer ${token}` } });
      await response.body?.cancel();
      return response.status;
    };
    expect(await status("the-first-token-of-it")).toBe(200);
    expect(await status(TOKEN)).toBe(401);
    writeFileSync(file, "the-second-token-of-it\n");
    await sleep(1_100);
    expect(await status("the-first-token-of-it")).toBe(401);
    expect(await status("the-second-token-of-it")).toBe(200);
  });

  test("beats four times a second", async () => {
    await using machine = new Machine();
    await using agent = await new AgentProcess(machine).listening();
    using listener = new Listener(agent.url);
    const beats = () => listener.frames.filter(({ frame }) => frame.type === "beat");
    await listener.until(() => beats().length >= 9, "nine beats");
    const times = beats().map(({ frame }) => frame.monoMs);
    const meanMs = ((times[8] ?? 0) - (times[0] ?? 0)) / 8;
    expect(meanMs).toBeGreaterThan(240);
    expect(meanMs).toBeLessThan(300);
    expect(listener.hellos[0]).toMatchObject({ server: "gpu-a", heartbeatMs: 250 });
    expect(listener.hellos[0]?.bootId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("ends at once on SIGTERM, with subscribers connected", async () => {
    await using machine = new Machine();
    await using agent = await new AgentProcess(machine).listening();
    using listener = new Listener(agent.url);
    await listener.until(() => listener.hellos.length > 0, "hello");
    expect(await agent.stop("SIGTERM")).toBe(0);
    await listener.until(() => listener.connections.some((text) => text.startsWith("lost")), "lost");
  });
});
