import { TandemError } from "../../errors.ts";

/** The fields of Docker's `GET /info` that matter here. */
export interface DockerInfo {
  ServerVersion: string;
  OperatingSystem: string;
  CgroupDriver: string;
  CgroupVersion?: string;
  DockerRootDir: string;
  Driver: string;
  SecurityOptions?: string[] | null;
}

const HINT = "or set TANDEM_ENGINE=private to let Tandem run its own daemon beside it";

/** Refuses engines that cannot run machines, each with its reason. @throws TandemError E_ENGINE_ROOTLESS, _REMOTE, _FOREIGN. */
export function judgeHostEngine(socketPath: string, info: DockerInfo): void {
  const what = `the Docker at ${socketPath} cannot run local machines`;
  if ((info.SecurityOptions ?? []).some((option) => option.includes("name=rootless"))) {
    throw new TandemError({
      code: "E_ENGINE_ROOTLESS",
      what,
      why: "it is rootless: kubelet inside a machine may not mount, set sysctls or write cgroups there",
      fix: `start the rootful Docker, ${HINT}`,
    });
  }
  if (/docker desktop|orbstack|rancher desktop|colima/i.test(info.OperatingSystem)) {
    throw new TandemError({
      code: "E_ENGINE_REMOTE",
      what,
      why: `it runs inside a virtual machine (${info.OperatingSystem}), so this computer has no link to the machines' network`,
      fix: `run this inside that virtual machine, ${HINT}`,
    });
  }
  // Podman answers this call too, but drops or changes several of the options that machines need.
  if (info.DockerRootDir.includes("containers/storage") || !/^\d+\./.test(info.ServerVersion)) {
    throw new TandemError({
      code: "E_ENGINE_FOREIGN",
      what,
      why: `it is not Docker (version ${JSON.stringify(info.ServerVersion)}, data in ${info.DockerRootDir})`,
      fix: `start Docker, ${HINT}`,
    });
  }
  if (info.Driver !== "overlay2" && info.Driver !== "overlayfs") {
    throw new TandemError({
      code: "E_ENGINE_FOREIGN",
      what,
      why: `its storage driver is ${info.Driver}; wanted overlay2 or overlayfs, else every machine copies 1 GB`,
      fix: `move its data to ext4 or xfs, ${HINT}`,
    });
  }
}
