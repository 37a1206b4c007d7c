import { join } from "node:path";
import { compiledDir, stackDir } from "../../machines/home.ts";
import { backendOf } from "./backend.ts";

/** Where everything of one stack lies: below `TANDEM_HOME/stacks/NAME`, mode 0700. */
export interface StackFiles {
  dir: string;
  /** Random, mode 0600: what the secrets in the state are encrypted with. */
  passphrase: string;
  /** PULUMI_HOME: plug-ins, workspaces, logs. */
  pulumiHome: string;
  /** Pulumi's file backend. */
  backend: string;
  /** The address of another backend, where somebody chose one. */
  chosenBackend: string;
  /**
   * The stack's configuration as the CLI wants it: what the committed `stacks/Pulumi.NAME.yaml` says, and the salt of the
   * secrets. The salt belongs to the passphrase and to this computer; in the committed file it would be a change of the
   * working tree after each `up`, and useless to anybody else.
   */
  config: string;
  kubeconfig: string;
  /** What `kubectl` remembers of the cluster: it goes with it. */
  kubectlCache: string;
  /** `kubectl` and `pulumi` for PATH. */
  programs: string;
  /** An empty project of the same name, in which `pulumi stack init` can write its salt. */
  project: string;
}

export function stackFiles(name: string, home?: string): StackFiles {
  const dir = stackDir(name, home);
  return {
    dir,
    passphrase: join(dir, "passphrase"),
    pulumiHome: join(dir, "pulumi"),
    backend: join(dir, "state"),
    chosenBackend: join(dir, "backend-url"),
    config: join(dir, `Pulumi.${name}.yaml`),
    kubeconfig: join(dir, "kubeconfig"),
    kubectlCache: join(dir, "kubectl-cache"),
    programs: join(dir, "bin"),
    project: join(dir, "project"),
  };
}

/** The variables that make the stock `pulumi` work on a stack; no value is a secret. */
export function pulumiEnv(files: StackFiles): Record<string, string> {
  return {
    PULUMI_HOME: files.pulumiHome,
    PULUMI_BACKEND_URL: backendOf(files).url,
    PULUMI_CONFIG_PASSPHRASE_FILE: files.passphrase,
    PULUMI_SKIP_UPDATE_CHECK: "1",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "1",
    // Program, provider and language host load 20 MB of JavaScript each: a second of every update without this.
    NODE_COMPILE_CACHE: compiledDir(),
  };
}
