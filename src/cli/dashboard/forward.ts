import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TandemError } from "../../errors.ts";
import { DASHBOARD } from "../../manifests/names.ts";
import { DASHBOARD_PORT } from "../../plan/service-ports.ts";

export interface ForwardOptions {
  /** Folder with the stack's own `kubectl`; where it is not there that of PATH is used. */
  programs: string;
  kubeconfig: string;
  namespace: string;
  /** On loopback of this computer; 0 for any that is free. */
  port: number;
  signal: AbortSignal;
  /** Once, with the port. */
  onOpen(port: number): void;
  /** The way broke, and is opened again. */
  onBroken(why: string): void;
}

const AGAIN_MS = 500;

/**
 * A way from loopback to the page, through the API server: encrypted, with the caller's own rights. When the replica that it led
 * to ends, it is opened again, to the other one. Ends with the signal.
 *
 * @throws TandemError E_DASHBOARD_FORWARD where it cannot be opened at all
 */
export async function forwardDashboard(options: ForwardOptions): Promise<void> {
  const { signal, onOpen, onBroken } = options;
  let port: number | null = null;
  while (!signal.aborted) {
    const run = openForward(options, port ?? options.port);
    const found = await run.opened;
    if (found !== null && port === null) onOpen(found);
    port ??= found;
    const why = await run.ended;
    if (signal.aborted) return;
    if (port === null) throw unopened(why);
    onBroken(why);
    await delay(AGAIN_MS, undefined, { signal }).catch(() => {});
  }
}

function openForward({ programs, kubeconfig, namespace, signal }: ForwardOptions, port: number) {
  const own = join(programs, "kubectl");
  const args = ["--kubeconfig", kubeconfig, "-n", namespace, "port-forward", "--address", "127.0.0.1"];
  const child: ChildProcess = spawn(
    existsSync(own) ? own : "kubectl",
    [...args, `service/${DASHBOARD}`, `${port === 0 ? "" : port}:${DASHBOARD_PORT}`],
    // Its own group: Ctrl-C reaches this command, which ends it.
    { stdio: ["ignore", "pipe", "pipe"], detached: true },
  );
  const kill = () => child.kill("SIGTERM");
  signal.addEventListener("abort", kill, { once: true });
  let said = "";
  const opened = Promise.withResolvers<number | null>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    const [, local] = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(text) ?? [];
    if (local !== undefined) opened.resolve(Number(local));
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = text.trim();
    // It stays when the pod is gone, and only says so with the next connection.
    if (said.includes("lost connection to pod")) kill();
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code) => resolve(said || `kubectl ended with ${code}`));
  }).finally(() => {
    signal.removeEventListener("abort", kill);
    opened.resolve(null);
  });
  return { opened: opened.promise, ended };
}

function unopened(why: string): TandemError {
  return new TandemError({
    code: "E_DASHBOARD_FORWARD",
    what: "no way to the dashboard could be opened",
    why,
    fix: "a port that is taken: name another one with --port, 0 for any; a Service that is not there: run `tandem up` with this release; a right that is missing: ask for `create` of `pods/portforward`",
  });
}
