container=$(systemd-detect-virt --container || true)
case $(stat -fc %T /sys/fs/cgroup) in cgroup2fs) cgroup=2 ;; *) cgroup=1 ;; esac
# Bit 24 of the bounding set of the first process.
bounding=$(awk '/^CapBnd:/ { print $2 }' /proc/1/status)
if [ $(((0x$bounding >> 24) & 1)) = 1 ]; then resource=true; else resource=false; fi
cni=/usr/lib/cni
[ -x /usr/lib/cni/ptp ] || [ ! -x /opt/cni/bin/ptp ] || cni=/opt/cni/bin
printf '{"container":"%s","cgroup":%s,"sysResource":%s,"cniFolder":"%s","nvidiaRuntime":"%s"}\n' \
  "${container:-none}" "$cgroup" "$resource" "$cni" "$(command -v nvidia-container-runtime || true)"
