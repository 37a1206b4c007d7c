import { stat } from "node:fs/promises";
import { containerdConfig } from "./containerd-config.ts";
import { filesStep } from "./files-step.ts";
import { BIN_FOLDER, kubeletFiles } from "./kubernetes-files.ts";
import type { NodeConfig } from "./node-config.ts";
import { type NodeFacts, readNodeFacts } from "./node-facts.ts";
import { fileInput, type Remote } from "./remote.ts";
import { changing, script, scriptStep } from "./script.ts";
import { runSteps, type Step, type StepOptions, type StepReport } from "./step.ts";
import { sha256File, upload } from "./upload.ts";

/**
 * Makes a server ready to become a Kubernetes node: container runtime, Kubernetes programs, images, kernel settings.
 * Everything is checked first, so a second run changes nothing.
 */
export async function prepareServer(
  remote: Remote,
  config: NodeConfig,
  options: StepOptions = {},
): Promise<StepReport[]> {
  const { name } = remote.target;
  const packages = await runSteps(name, [packagesStep(remote, config)], options, remote.resume);
  // What is installed decides about the configuration, so it is read after the packages are there.
  const facts = await readNodeFacts(remote, options.signal);
  const steps = [
    kernelStep(remote, config),
    containerdStep(remote, facts),
    await kubernetesStep(remote, config),
    imagesStep(remote, config.images),
    kubeletStep(remote),
  ];
  return [...packages, ...(await runSteps(name, steps, options, remote.resume))];
}

function packagesStep(remote: Remote, { gateway }: NodeConfig): Step {
  return scriptStep(remote, {
    name: "packages",
    values: { also: gateway ? "keepalived" : "" },
    check: script("packages-check"),
    act: script("packages"),
    timeoutMs: 600_000,
  });
}

function kernelStep(remote: Remote, config: NodeConfig): Step {
  const sysctls: Record<string, string> = {
    "net.ipv4.ip_forward": "1",
    // A gateway that hands its port over loses no connection that nobody has accepted yet.
    "net.ipv4.tcp_migrate_req": "1",
    // The kernel of an emulated server is its host's; what belongs to the host is the host's to set.
    ...(config.local ? {} : { "fs.inotify.max_user_instances": "8192", "fs.inotify.max_user_watches": "524288" }),
  };
  const input = Object.entries(sysctls)
    .map(([name, value]) => `${name} ${value}\n`)
    .join("");
  return scriptStep(remote, {
    name: "kernel settings",
    check: script("kernel-check"),
    checkInput: input,
    act: script("kernel"),
    input,
  });
}

function containerdStep(remote: Remote, facts: NodeFacts): Step {
  const files = [{ path: "/etc/containerd/config.toml", content: containerdConfig(facts) }];
  return filesStep(remote, "container runtime", files, {
    also: "systemctl is-active -q containerd && systemctl is-enabled -q containerd && ctr version > /dev/null 2>&1 || exit 1",
    after:
      "systemctl enable -q containerd; systemctl restart containerd; for i in {1..100}; do ctr version > /dev/null 2>&1 && break; sleep 0.1; done",
  });
}

async function kubernetesStep(remote: Remote, { kubernetes }: NodeConfig): Promise<Step> {
  const sha256 = kubernetes.sha256 ?? (await sha256File(kubernetes.path));
  const values = { program: `${BIN_FOLDER}/kubernetes-${sha256}` };
  const links = scriptStep(remote, {
    name: `Kubernetes ${kubernetes.version}`,
    values,
    check:
      '[ -x "$program" ]; for name in kubelet kubeadm kubectl; do [ "$(readlink -- "/usr/local/bin/$name")" = "$program" ] || exit 1; done',
    act: 'for name in kubelet kubeadm kubectl; do own_link "$program" "/usr/local/bin/$name"; done',
  });
  return {
    ...links,
    act: async (signal) => {
      if (!(await remote.test('[ -x "$program" ]', { values }))) {
        await remote.run(changing('own_file "$program"'), { values });
        await upload(remote, kubernetes.path, values.program, { sha256, mode: "0755", ...(signal ? { signal } : {}) });
      }
      await links.act(signal);
    },
  };
}

function imagesStep(remote: Remote, images: NodeConfig["images"]): Step {
  const name = `${images.length} image archives`;
  const lines = (some: NodeConfig["images"]) =>
    some.flatMap(({ sha256, references }) => references.map((reference) => `${sha256} ${reference}\n`)).join("");
  const check = (some: NodeConfig["images"], signal: AbortSignal | undefined) =>
    remote.test(script("images-check"), { step: name, input: lines(some), ...(signal ? { signal } : {}) });
  return {
    name,
    check: (signal) => check(images, signal),
    act: async (signal) => {
      for (const image of images) {
        if (await check([image], signal)) continue;
        const { size } = await stat(image.path);
        await remote.run(changing(script("images")), {
          step: `import ${image.references.join(", ")}`,
          values: { references: image.references.join(" "), sha256: image.sha256 },
          input: fileInput(image.path, size) ?? "",
          // Five servers on a busy disk take a minute for 130 MB; only what hangs takes longer than this.
          timeoutMs: 300_000 + size / 2_000,
          ...(signal ? { signal } : {}),
        });
      }
    },
  };
}

function kubeletStep(remote: Remote): Step {
  return filesStep(remote, "kubelet unit", kubeletFiles(), {
    also: "systemctl is-enabled -q kubelet",
    after: "systemctl daemon-reload; systemctl enable -q kubelet",
  });
}
