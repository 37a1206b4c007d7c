# Functions for scripts that let something fail on a server. Whatever must not last is first told to the server itself: a
# timer of its own undoes it after $seconds, also when nobody reaches the server any more, and a boot undoes it as well.
folder=/run/tandem/drill
unit=tandem-drill-undo

fail() { echo "$*" >&2; exit 70; }

# ready TEXT: all is prepared. What follows is done when a line comes.
ready() {
  echo "ready $*"
  read -r _ || exit 71
}

# arm: standard input is the script that undoes it.
arm() {
  [ -d "$folder" ] || mkdir -p -m 0755 "$folder"
  [ ! -e "$folder/undo" ] || fail "another drill has left $folder/undo: undo it with \`bash $folder/undo\`, and remove it"
  { echo 'exec 2> /dev/null'; declare -f ranks; cat; echo "rm -f $folder/undo"; } > "$folder/undo"
  systemctl reset-failed "$unit.service" "$unit.timer" 2> /dev/null || true
  systemd-run --quiet --collect --unit "$unit" --on-active="${seconds}s" --timer-property=AccuracySec=100ms \
    bash "$folder/undo"
}

# ranks: `NUMBER PID` of each rank of SGLang that runs here. It names its processes sglang::scheduler…_TP3….
ranks() {
  local process name
  for process in /proc/[0-9]*; do
    { IFS= read -r -d '' name < "$process/cmdline" || [ -n "$name" ]; } 2> /dev/null || continue
    if [[ $name =~ ^sglang::scheduler[^[:space:]]*_TP([0-9]+) ]]; then echo "${BASH_REMATCH[1]} ${process#/proc/}"; fi
  done | sort -n
}

# the_ranks: the same in the array $found; there must be some.
the_ranks() {
  mapfile -t found < <(ranks)
  [ ${#found[@]} -gt 0 ] || fail "no rank of SGLang runs here"
}

# pid_of PATTERN [POD]: a process by its command line, and by the name of its pod.
pid_of() {
  local process line host
  for process in /proc/[0-9]*; do
    { line=$(tr '\0' ' ' < "$process/cmdline"); } 2> /dev/null || continue
    [[ $line == *$1* && ${process#/proc/} != "$$" && $line != *tandem-drill* && $line != bash* ]] || continue
    host=$(cat "$process/root/etc/hostname" 2> /dev/null) || true
    [[ -z ${2-} || $2 == "$host"-* ]] || continue
    echo "${process#/proc/}"
    return
  done
  return 1
}
