import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stackAccess } from "../../src/cli/stack-access.ts";
import { localPower } from "../../src/emulator/bmc/local-power.ts";
import { type Bmc, startBmc } from "../../src/emulator/bmc/redfish.ts";
import { stackFiles } from "../../src/infra/stack/stack-files.ts";
import { kubeClient } from "../../src/kube/client.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import { stackDir } from "../../src/machines/home.ts";
import { bundleProgram } from "../../src/machines/images/bundle-program.ts";
import type { Engine } from "../../src/machines/local/engine.ts";
import type { ModelService, QuarantineRecord } from "../../src/manifests/model-service/resource.ts";
import { LWS_NAME_LABEL } from "../../src/manifests/names.ts";
import { RECONCILER_NODE_FLAGS } from "../../src/manifests/reconciler.ts";
import { quarantineOf } from "../../src/reconciler/observe/records.ts";
import { RECONCILER_PROGRAMS } from "../../src/reconciler/programs.ts";
import { certificateForLoopback } from "./certificate.ts";

const root = join(import.meta.dirname, "../..");
const BMC_PORT = 7443;

/** One replica of the reconciler as a process of this computer, which a test can stop, kill and read. */
export interface Replica {
  process: ChildProcess;
  metrics(): Promise<string>;
  log(): string;
}

/**
 * A stack that is up, with BMCs for its servers and its own reconciler in the hands of the test: the Deployment's replicas are
 * scaled away, and processes run in their place.
 */
export class ReconcilerRig {
  readonly stack: string;
  readonly engine: Engine;
  readonly namespace: string;
  readonly #client: ReturnType<typeof kubeClient>;
  readonly #folder = mkdtempSync(join(tmpdir(), "reconciler-"));
  readonly #bmcs: Bmc[] = [];
  readonly #replicas: Replica[] = [];
  #port = 19_479;
  /** What the stack had before {@link prepare}, so that the test after this one finds it. */
  #before: { replicas: number; maxPerHour: number; servers: ModelService["spec"]["servers"] } | null = null;

  constructor(stack: string, engine: Engine) {
    this.stack = stack;
    this.engine = engine;
    this.namespace = `tandem-${stack}`;
    this.#client = kubeClient(readFileSync(stackFiles(stack).kubeconfig, "utf8"));
  }

  /** @param bmcs servers that get a BMC, served with TLS on the bridge's own address */
  async prepare(bmcs: readonly string[]): Promise<void> {
    const { plan } = await stackAccess(this.stack);
    const host = plan.spec.servers["gpu-a"]?.address.replace(/\.\d+$/, ".1") ?? "127.0.0.1";
    for (const { name, entry } of RECONCILER_PROGRAMS)
      writeFileSync(join(this.#folder, `${name}.cjs`), (await bundleProgram(entry, { format: "cjs" })).content);
    const { key, cert } = certificateForLoopback("bmc");
    const urls: Record<string, { bmc: { url: string } }> = {};
    for (const [at, server] of bmcs.entries()) {
      const [port, password] = [BMC_PORT + at, `secret of ${server}`];
      const power = localPower(this.engine, this.stack, server);
      this.#bmcs.push(await startBmc({ host, port, user: "root", password, server, power, tls: { key, cert } }));
      urls[server] = { bmc: { url: `https://${host}:${port}` } };
      for (const [name, text] of Object.entries({ user: "root", password, ca: cert }))
        writeFileSync(join(this.#folder, `${server}.${name}`), `${text}\n`, { mode: 0o600 });
    }
    const deployment = await this.#client.json<LiveObject>({ method: "GET", path: this.#deployment });
    const { replicas } = deployment.spec as { replicas: number };
    const { failover, servers } = (await this.service()).spec;
    this.#before = { replicas, maxPerHour: failover.maxPerHour, servers };
    await this.#patch(this.#deployment, { spec: { replicas: 0 } });
    // Twenty faults in an hour are the test's, not the field's.
    await this.patchSpec({ servers: urls, failover: { maxPerHour: 1_000 } });
  }

  /** Nobody can prove any more that a server is off: it must be heard empty. */
  async takeBmcs(): Promise<void> {
    const { servers } = (await this.service()).spec;
    await this.patchSpec({ servers: Object.fromEntries(Object.keys(servers).map((name) => [name, { bmc: null }])) });
  }

  /** No group may take it from now on. */
  async cordon(server: string): Promise<void> {
    await this.#patch(`/api/v1/nodes/${server}`, { spec: { unschedulable: true } });
  }

  /** Ends the replicas of the test; those of the Deployment look after the stack again, as its spec has it. */
  async restore(): Promise<void> {
    this.#endReplicas();
    if (this.#before === null) return;
    await this.takeBmcs();
    const { maxPerHour, servers } = this.#before;
    await this.patchSpec({ failover: { maxPerHour }, servers });
    await this.#patch(this.#deployment, { spec: { replicas: this.#before.replicas } });
    this.#before = null;
  }

  get #deployment(): string {
    return `/apis/apps/v1/namespaces/${this.namespace}/deployments/reconciler`;
  }

  /** Of the administrator; through a proxy where the test has one. */
  get kubeconfig(): string {
    return readFileSync(stackFiles(this.stack).kubeconfig, "utf8");
  }

  /** Runs the program as the image has it: one bundled file, with the memory limits of its Deployment. */
  start(name: string, kubeconfig: string = this.kubeconfig): Replica {
    const folder = join(stackDir(this.stack), "secrets");
    const port = this.#port++;
    const path = join(this.#folder, `${name}.log`);
    const out = openSync(path, "a");
    const access = join(this.#folder, `${name}.kubeconfig`);
    writeFileSync(access, kubeconfig, { mode: 0o600 });
    const flags = RECONCILER_NODE_FLAGS;
    const child = spawn(
      process.execPath,
      [...flags, join(this.#folder, "tandem-reconciler.cjs"), "--kubeconfig", access],
      {
        cwd: root,
        stdio: ["ignore", out, out],
        env: {
          ...process.env,
          MALLOC_ARENA_MAX: "1",
          TANDEM_NAMESPACE: this.namespace,
          TANDEM_MODEL_SERVICE: this.stack,
          TANDEM_AGENT_TOKEN_FILE: join(folder, "agent-token"),
          TANDEM_ADMIN_TOKEN_FILE: join(folder, "admin-token"),
          TANDEM_BMC_FOLDER: this.#folder,
          TANDEM_LISTEN: `127.0.0.1:${port}`,
          TANDEM_IDENTITY: name,
        },
      },
    );
    const replica: Replica = {
      process: child,
      log: () => readFileSync(path, "utf8"),
      metrics: async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    };
    this.#replicas.push(replica);
    return replica;
  }

  async service(): Promise<ModelService> {
    const path = `/apis/tandem.dev/v1alpha1/namespaces/${this.namespace}/modelservices/${this.stack}`;
    return this.#client.json<ModelService>({ method: "GET", path, timeoutMs: 3_000 });
  }

  async patchSpec(spec: object): Promise<void> {
    const path = `/apis/tandem.dev/v1alpha1/namespaces/${this.namespace}/modelservices/${this.stack}`;
    await this.#patch(path, { spec });
  }

  async quarantine(server: string): Promise<QuarantineRecord | null> {
    return quarantineOf(await this.#client.json<LiveObject>({ method: "GET", path: `/api/v1/nodes/${server}` }));
  }

  /** Pods of a group's engine on one server. */
  async podsOn(server: string): Promise<LiveObject[]> {
    const query = { labelSelector: LWS_NAME_LABEL, fieldSelector: `spec.nodeName=${server}` };
    const path = `/api/v1/namespaces/${this.namespace}/pods`;
    return (await this.#client.json<{ items: LiveObject[] }>({ method: "GET", path, query })).items;
  }

  /** Waits until it is so; seconds of this clock when it was first seen so. An API server that is away is waited through. */
  async until(
    what: string,
    check: (service: ModelService) => boolean | Promise<boolean>,
    seconds = 120,
  ): Promise<number> {
    const end = Date.now() + seconds * 1_000;
    let last: ModelService["status"];
    for (;;) {
      try {
        const service = await this.service();
        last = service.status;
        if (await check(service)) return Date.now();
      } catch (error) {
        if (Date.now() > end) throw error;
      }
      if (Date.now() > end)
        throw new Error(`${what}: not after ${seconds} s; ${JSON.stringify(last, null, 1)}\n${this.tail()}`);
      await delay(100);
    }
  }

  /** What each replica said last. */
  tail(): string {
    return this.#replicas
      .map((replica) => replica.log().split("\n").slice(-12).join("\n").slice(-4_000))
      .join("\n---\n");
  }

  #endReplicas(): void {
    for (const { process: child } of this.#replicas) {
      child.kill("SIGCONT");
      child.kill("SIGKILL");
    }
  }

  async close(): Promise<void> {
    this.#endReplicas();
    await Promise.all(this.#bmcs.map((bmc) => bmc.close()));
    await this.#client.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #patch(path: string, body: object): Promise<void> {
    const query = { fieldManager: "tandem-test" };
    await this.#client.json({ method: "PATCH", path, query, body, contentType: "application/merge-patch+json" });
  }
}

export const isRedundant = ({ status }: ModelService): boolean =>
  status?.conditions.find(({ type }) => type === "Redundant")?.status === "True";
