import { describe, expect, it } from "vitest";
import { type DockerInfo, judgeHostEngine } from "../../../src/machines/local/host-engine.ts";

const debian: DockerInfo = {
  ServerVersion: "28.2.2",
  OperatingSystem: "Debian GNU/Linux 12 (bookworm)",
  CgroupDriver: "systemd",
  CgroupVersion: "2",
  DockerRootDir: "/var/lib/docker",
  Driver: "overlay2",
  SecurityOptions: ["name=apparmor", "name=seccomp,profile=builtin"],
};

describe("judgeHostEngine", () => {
  it.each<[string, Partial<DockerInfo>, string, string]>([
    ["rootless Docker", { SecurityOptions: ["name=seccomp", "name=rootless"] }, "E_ENGINE_ROOTLESS", "rootless"],
    ["Docker Desktop", { OperatingSystem: "Docker Desktop" }, "E_ENGINE_REMOTE", "virtual machine"],
    ["Podman", { DockerRootDir: "/var/lib/containers/storage" }, "E_ENGINE_FOREIGN", "not Docker"],
    ["a Docker that copies", { Driver: "vfs" }, "E_ENGINE_FOREIGN", "vfs; wanted overlay2"],
  ])("refuses %s with a sentence and a way out", (_name, change, code, why) => {
    const attempt = () => judgeHostEngine("/run/d.sock", { ...debian, ...change });
    expect(attempt).toThrow(why);
    expect(attempt).toThrow("TANDEM_ENGINE=private");
    expect(attempt).toThrow(`[${code}]`);
  });

  it.each<[string, Partial<DockerInfo>]>([
    ["as it is", {}],
    ["without security options", { SecurityOptions: null }],
    ["with containerd's store", { Driver: "overlayfs", ServerVersion: "29.0.1" }],
  ])("takes a rootful Docker %s", (_name, change) => {
    expect(() => judgeHostEngine("/run/d.sock", { ...debian, ...change })).not.toThrow();
  });
});
