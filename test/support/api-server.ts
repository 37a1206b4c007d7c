import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type KubeClient, kubeClient } from "../../src/kube/client.ts";
import { toolsDir } from "../../src/machines/home.ts";
import { freePort } from "./free-port.ts";

const READY_MS = 60_000;

/** A real API server with a real etcd behind it, on loopback, without a cluster: up in seconds. */
export class ApiServer {
  readonly #url: string;
  readonly #processes: ChildProcess[];
  readonly #clients: KubeClient[] = [];

  /** @param users token of each user by name; `admin` may do everything */
  static async start(folder: string, users: Readonly<Record<string, string>>): Promise<ApiServer> {
    const [client, peer, api] = [await freePort(), await freePort(), await freePort()];
    mkdirSync(folder, { recursive: true });
    const path = (name: string) => join(folder, name);
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(path("sa.key"), privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
    const lines = Object.entries(users).map(
      ([name, token]) => `${token},${name},${name}${name === "admin" ? ",system:masters" : ""}`,
    );
    writeFileSync(path("tokens.csv"), `${lines.join("\n")}\n`, { mode: 0o600 });
    symlinkSync(join(toolsDir(), "kubernetes-1.36.3", "kubernetes"), path("kube-apiserver"));
    const etcd = `http://127.0.0.1:${client}`;
    const peers = `http://127.0.0.1:${peer}`;
    const quiet = { stdio: "ignore" as const };
    const processes = [
      spawn(
        join(toolsDir(), "etcd-3.6.14", "etcd"),
        [
          ...["--data-dir", path("etcd"), "--unsafe-no-fsync", "--initial-cluster", `default=${peers}`],
          ...["--listen-client-urls", etcd, "--advertise-client-urls", etcd],
          ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers],
        ],
        quiet,
      ),
      spawn(
        path("kube-apiserver"),
        [
          ...["--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--secure-port", String(api)],
          ...["--cert-dir", path("certs"), "--token-auth-file", path("tokens.csv"), "--authorization-mode", "RBAC"],
          ...["--service-account-key-file", path("sa.key"), "--service-account-signing-key-file", path("sa.key")],
          ...["--service-account-issuer", "https://test", "--service-cluster-ip-range", "10.99.0.0/24"],
          ...["--disable-admission-plugins", "ServiceAccount"],
        ],
        quiet,
      ),
    ];
    const server = new ApiServer(`https://127.0.0.1:${api}`, processes);
    const admin = server.client(users.admin ?? "");
    for (const endMs = performance.now() + READY_MS; ; await delay(100)) {
      const isReady = await admin.stream({ method: "GET", path: "/readyz", timeoutMs: 1_000 }).then(
        () => true,
        () => false,
      );
      if (isReady) return server;
      if (performance.now() > endMs) {
        await server.close();
        throw new Error(`the API server was not ready after ${READY_MS} ms`);
      }
    }
  }

  private constructor(url: string, processes: ChildProcess[]) {
    this.#url = url;
    this.#processes = processes;
  }

  client(token: string): KubeClient {
    const named = (name: string, value: object) => ({ name, ...value });
    const config = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      clusters: [named("test", { cluster: { server: this.#url, "insecure-skip-tls-verify": true } })],
      users: [named("test", { user: { token } })],
      contexts: [named("test", { context: { cluster: "test", user: "test" } })],
    };
    const client = kubeClient(JSON.stringify(config));
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
    for (const child of this.#processes.toReversed()) {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null)
        await new Promise<void>((resolve) => child.once("exit", () => resolve()));
    }
  }
}
