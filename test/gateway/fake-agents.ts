import { randomUUID } from "node:crypto";
import type { Evidence } from "../../src/health/evidence.ts";
import { parseKernelLine } from "../../src/health/kernel-line.ts";
import { EvidenceLog } from "../../src/stream/evidence-log.ts";
import { EvidenceServer } from "../../src/stream/server.ts";
import { AGENT_TOKEN } from "./gateway-fixture.ts";

const clock = { monoMs: () => performance.now(), wallMs: () => Date.now() };

/** The agent of one server as others see it: the real stream, with what a test has it say. */
export class FakeAgent {
  readonly server: string;
  url = "";
  #log = new EvidenceLog({ agent: randomUUID() });
  #stream: EvidenceServer | undefined;
  #silent = false;
  #port = 0;

  constructor(server: string) {
    this.server = server;
  }

  async start(): Promise<void> {
    this.#log = new EvidenceLog({ agent: randomUUID() });
    const options = {
      server: this.server,
      bootId: "boot",
      log: this.#log,
      heartbeatMs: 250,
      tokens: () => [AGENT_TOKEN],
    };
    this.#stream = new EvidenceServer({ ...options, clock });
    // The beats of a server without power do not arrive, and nobody closes its connections.
    const publish = this.#stream.publish.bind(this.#stream);
    this.#stream.publish = (frame) => this.#silent || publish(frame);
    const { port } = await this.#stream.listen("127.0.0.1", this.#port);
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  say(evidence: Evidence, ageMs = 0): void {
    const frame = this.#log.append(evidence, { monoMs: clock.monoMs() - ageMs, wallMs: clock.wallMs() - ageMs });
    this.#stream?.publish(frame);
  }

  kernel(text: string, ageMs = 0): void {
    const line = parseKernelLine(
      `4,${Math.floor(performance.now())},${Math.floor(performance.now() * 1000)},-;${text}`,
    );
    if (line === null) throw new Error(`no line of a GPU: ${text}`);
    this.say({ kind: "kernel-log", line }, ageMs);
  }

  set silent(silent: boolean) {
    this.#silent = silent;
  }

  async stop(): Promise<void> {
    await this.#stream?.close();
  }
}

export async function startAgents(servers: readonly string[] = ["gpu-a", "gpu-b", "gpu-c", "gpu-d"]): Promise<{
  agents: Record<string, FakeAgent>;
  urls: Record<string, string>;
  stop(): Promise<void>;
}> {
  const agents = Object.fromEntries(servers.map((id) => [id, new FakeAgent(id)]));
  for (const agent of Object.values(agents)) await agent.start();
  return {
    agents,
    urls: Object.fromEntries(Object.values(agents).map(({ server, url }) => [server, url])),
    stop: async () => void (await Promise.all(Object.values(agents).map((agent) => agent.stop()))),
  };
}
