import { cgroupParent } from "./cgroups.ts";
import type { Engine } from "./engine.ts";

/**
 * How a machine's container is run: everything a server may do, without `--privileged`, which sandboxes without
 * CAP_SYS_RESOURCE refuse. The same set everywhere, so that what works here works there.
 */
export function machineHostConfig(engine: Pick<Engine, "cgroupDriver" | "home">) {
  return {
    CapAdd: ["ALL"],
    CapDrop: ["SYS_RESOURCE"],
    SecurityOpt: ["seccomp=unconfined", "apparmor=unconfined"],
    // `--security-opt systempaths=unconfined` of the command line.
    MaskedPaths: [],
    ReadonlyPaths: [],
    CgroupnsMode: "private",
    // One folder above all machines, so that nothing of them stays behind.
    CgroupParent: engine.cgroupDriver === "systemd" ? "tandem.slice" : `/${cgroupParent(engine.home)}`,
    DeviceCgroupRules: ["a *:* rwm"],
    Tmpfs: { "/run": "", "/tmp": "" },
    // A log of the container's console grows for as long as the machine runs.
    LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
  };
}

/** Where systemd of the machine looks for the wish to shut down. */
export const STOP_SIGNAL = "SIGRTMIN+3";
