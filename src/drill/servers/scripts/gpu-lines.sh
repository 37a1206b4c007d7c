# Pretends lines of the driver in the kernel log, and lets the rank of that GPU wait, as it would. $xid, $detail: of the
# fatal line; $wear: how many lines of XID 63 come before it; $chance: a number that says which GPU; $boot: 1 if nothing but
# a boot cures it.
the_ranks
mapfile -t gpus < <(nvidia-smi --query-gpu=pci.bus_id --format=csv,noheader)
[ ${#gpus[@]} -gt 0 ] || fail "nvidia-smi names no GPU"
gpu=$((chance % ${#gpus[@]}))
read -r rank pid <<< "${found[gpu % ${#found[@]}]}"

# place: takes one in the kernel's own count, which says what came before a reset and what after it, and leaves a note there
# that what follows was a drill. A local machine has a file in the place of the device.
place() {
  local note='tandem: a drill pretends that a GPU fails'
  if [ -c /dev/kmsg ]; then
    echo "<12>$note" > /dev/kmsg
    { timeout 0.5 cat /dev/kmsg || true; } | grep -E '^[0-9]+,[0-9]+,' | tail -n 1 | cut -d , -f 2
  else
    local sequence
    sequence=$(wc -l < /dev/kmsg)
    printf '12,%d,%d,-;%s\n' "$sequence" "$(micros)" "$note" >> /dev/kmsg
    echo "$sequence"
  fi
}
micros() { awk '{ printf "%.0f", $1 * 1000000 }' /proc/uptime; }

# line SEQUENCE MICROS XID GPU DETAIL: the driver writes 0000:1b:00 where nvidia-smi says 00000000:1B:00.0.
line() {
  local pci=${gpus[$4],,}
  pci=${pci%.*}
  printf '3,%d,%d,-;NVRM: Xid (PCI:%s): %d, %s\n' "$1" "$2" "${pci#0000}" "$3" "$5"
}
[ -d "$folder" ] || fail "the agent of this server takes no drills: $folder is missing; \`tandem up\` renews the agent"
arm << UNDO
rm -f $folder/kernel-log
ranks | while read -r _ pid; do kill -CONT "\$pid"; done
UNDO
# A new file each time: the agent reads it from its beginning.
rm -f "$folder/kernel-log"
(umask 077 && : > "$folder/kernel-log")
# A record is known by its number: the lines of wear are one that comes again and again, the fatal one is another.
before=$(place)
sequence=$(place)
[ "$boot" = 0 ] || : > "$folder/boot"
ready "GPU $gpu reported XID $xid and rank $rank hangs"
now=$(micros)
for ((at = 1; at <= wear; at++)); do
  line "$before" $((now - at)) 63 $((2 % ${#gpus[@]})) 'Row remapping event: row remapping pending. (a drill)'
done >> "$folder/kernel-log"
line "$sequence" "$now" "$xid" "$gpu" "$detail" >> "$folder/kernel-log"
kill -STOP "$pid"
