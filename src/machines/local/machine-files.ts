import { readFileSync } from "node:fs";
import type { ImageFile } from "../images/image-file.ts";

/** Debian packages of a machine: what a bare server with a container runtime has, and what kubeadm's preflight wants. */
export const MACHINE_PACKAGES = [
  "ca-certificates",
  "conntrack",
  "containerd",
  "containernetworking-plugins",
  "ethtool",
  "iproute2",
  "iptables",
  "iputils-ping",
  "keepalived",
  "kmod",
  "mount",
  "nftables",
  "openssh-server",
  "procps",
  "runc",
  "socat",
  "systemd",
  "systemd-sysv",
  "util-linux",
] as const;

export const MACHINE_SUITE = "bookworm";

/** Read as a file: what it prints belongs to the emulator, that it lies in the image to the machine. */
const NVIDIA_SMI = new URL("../../emulator/gpu/nvidia-smi.sh", import.meta.url);
const DF = new URL("../../emulator/gpu/df.sh", import.meta.url);

/** First process of a machine: what the firmware and the boot loader are to a server. It ends by becoming systemd. */
const ENTRY = `#!/bin/sh
set -e
# Docker mounts these read-only unless the container is privileged, and sandboxes refuse privileged containers.
mount -o remount,bind,rw /sys
awk '$5 ~ "^/sys/fs/cgroup" {print $5}' /proc/self/mountinfo | while read -r m; do mount -o remount,bind,rw "$m"; done
# kubelet hands mounts on to pods.
mount --make-rshared /
# A kernel log of this machine's own: /dev/kmsg of the host is the log of all machines. Empty at each boot, as a real one.
: >/dev/kmsg
chmod 0644 /dev/kmsg
# A boot id of this boot, not of the host: it is how others learn that a machine was started anew.
cat /proc/sys/kernel/random/uuid >/run/boot_id
chmod 0444 /run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
# Tests must not look up names outside. Docker's own resolver would not refuse, it stays silent: 20 s for each lookup.
umount /etc/resolv.conf
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >/etc/resolv.conf
# Keys and id are made here, at the first boot: the image holds no secret and no two machines are the same.
[ -s /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/ssh_host_ed25519_key
[ -s /etc/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
exec /sbin/init
`;

const SSHD = `HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
# Ten commands at once over one link, and a few links.
MaxSessions 64
MaxStartups 64
`;

const JOURNALD = `[Journal]
# In memory, which counts as memory of the machine.
RuntimeMaxUse=16M
# The kernel log file is written by tests; copying it twice would confuse its readers.
ReadKMsg=no
`;

// Nothing of these is there in a container, or they would act on the one shared kernel.
const MASKED = [
  "apt-daily-upgrade.timer",
  "apt-daily.timer",
  "console-getty.service",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "fstrim.timer",
  "getty.target",
  "keepalived.service",
  "proc-sys-fs-binfmt_misc.automount",
  "sys-fs-fuse-connections.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-binfmt.service",
  "systemd-remount-fs.service",
  "systemd-udevd.service",
];

// Debian's own settings would be written to the host's kernel when a machine boots.
const SYSCTLS_OF_DEBIAN = ["50-default.conf", "50-pid-max.conf", "99-protect-links.conf"];

/** What a machine has on top of Debian's packages. Paths are relative to its root. */
export function machineFiles(): ImageFile[] {
  return [
    { path: "usr/local/sbin/machine-entry", content: ENTRY, mode: 0o755 },
    // The server's preflight asks it before anything of Kubernetes is there. A machine without GPUs has no driver.
    { path: "usr/bin/nvidia-smi", content: readFileSync(NVIDIA_SMI, "utf8"), mode: 0o755 },
    // Before the real one on the search path: a full disk can be planted without filling that of the computer.
    { path: "usr/local/bin/df", content: readFileSync(DF, "utf8"), mode: 0o755 },
    { path: "etc/ssh/sshd_config.d/10-machine.conf", content: SSHD },
    { path: "etc/systemd/journald.conf.d/10-machine.conf", content: JOURNALD },
    ...MASKED.map((unit) => ({ path: `etc/systemd/system/${unit}`, symlink: "/dev/null" })),
    ...SYSCTLS_OF_DEBIAN.map((name) => ({ path: `etc/sysctl.d/${name}`, symlink: "/dev/null" })),
  ];
}
