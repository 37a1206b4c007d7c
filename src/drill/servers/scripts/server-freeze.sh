# Every pod and the kubelet stop; the kernel still answers for open sockets, and SSH stays.
thaw=()
for name in kubepods.slice kubepods; do
  if [ -e "/sys/fs/cgroup/$name/cgroup.freeze" ]; then file=/sys/fs/cgroup/$name/cgroup.freeze frozen=1 thawed=0
  elif [ -e "/sys/fs/cgroup/freezer/$name/freezer.state" ]; then file=/sys/fs/cgroup/freezer/$name/freezer.state frozen=FROZEN thawed=THAWED
  else continue; fi
  thaw+=("$file")
done
[ ${#thaw[@]} -gt 0 ] || fail "there is no cgroup of pods to freeze"
kubelet=$(systemctl show --property MainPID --value kubelet)
arm << UNDO
for file in ${thaw[*]}; do echo $thawed > "\$file"; done
kill -CONT $kubelet
UNDO
ready "every pod on it and its kubelet were frozen; its kernel still answers"
for file in "${thaw[@]}"; do echo "$frozen" > "$file"; done
kill -STOP "$kubelet"
