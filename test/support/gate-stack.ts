import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa, type Options } from "execa";
import { stackFiles } from "../../src/infra/stack/stack-files.ts";
import { type KubeClient, kubeClient } from "../../src/kube/client.ts";
import { type KubeObjects, kubeObjects } from "../../src/kube/objects.ts";

export const GATE = "gate";
const main = join(import.meta.dirname, "../../src/cli/main.ts");
const root = join(import.meta.dirname, "../..");

export interface Run {
  exitCode: number;
  /** stdout and stderr together. */
  text: string;
}

/** What happens when the output of a command first matches; the command runs on unless it is what is struck. */
export interface Strike {
  when: RegExp;
  /**
   * @param found the match
   * @param pid of the command
   */
  strike(found: RegExpExecArray, pid: number): Promise<void>;
}

/** The stack that the cluster tests share: that of stacks/local.yaml, under a name and on networks of its own. */
export interface GateStack {
  spec: string;
  /** Runs a command of `tandem`; its output is watched for the moment of each strike in turn. */
  tandem(args: string[], strikes?: readonly Strike[]): Promise<Run>;
  /** Runs a program with what `tandem env` prints. */
  withEnv(file: string, args: string[], options?: Options): Promise<Run>;
  kube(): { client: KubeClient; objects: KubeObjects };
  /** All that its commands of `tandem` have printed so far. */
  printed(): string;
  end(): void;
}

export function gateStack(): GateStack {
  const folder = mkdtempSync(join(tmpdir(), "tandem-gate-"));
  const spec = join(folder, "gate.yaml");
  const text = readFileSync(join(root, "stacks/local.yaml"), "utf8")
    .replace(/^name: local$/m, `name: ${GATE}`)
    .replaceAll("10.231.0.", "10.232.0.")
    .replace(
      "network: { interface: eth0,",
      "network: { interface: eth0, podCidr: 10.214.0.0/16, serviceCidr: 10.215.0.0/16,",
    );
  writeFileSync(spec, text);
  let link: ReturnType<GateStack["kube"]> | undefined;
  let printed = "";
  return {
    spec,
    async tandem(args, strikes = []) {
      const child = execa(process.execPath, [main, ...args], { cwd: root, all: true, reject: false, stdin: "ignore" });
      let seen = "";
      const struck: Promise<void>[] = [];
      // Not by iterating over the lines: leaving such a loop early while the command ends by itself never comes back.
      child.all.on("data", (text: Buffer) => {
        const next = strikes[struck.length];
        if (next === undefined) return;
        seen += text;
        const found = next.when.exec(seen);
        if (found !== null) struck.push(next.strike(found, child.pid ?? 0));
      });
      const { exitCode, all } = await child;
      await Promise.all(struck);
      printed += all;
      return { exitCode: exitCode ?? -1, text: all };
    },
    async withEnv(file, args, options = {}) {
      const { stdout } = await execa(process.execPath, [main, "env", "--stack", GATE, "--output", "json"], {
        cwd: root,
      });
      const result = await execa(file, args, {
        cwd: root,
        ...options,
        env: JSON.parse(stdout) as Record<string, string>,
        all: true,
        reject: false,
        stdin: "ignore",
      });
      return { exitCode: result.exitCode ?? -1, text: String(result.all) };
    },
    kube() {
      if (link === undefined) {
        const client = kubeClient(readFileSync(stackFiles(GATE).kubeconfig, "utf8"));
        link = { client, objects: kubeObjects(client) };
      }
      return link;
    },
    printed: () => printed,
    end() {
      void link?.client.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
