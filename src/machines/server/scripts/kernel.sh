# Loads modules and raises sysctls now and for each boot; the values that were there before are noted for `reset`.
own_folder "$state"
for module in overlay nf_conntrack; do
  modprobe "$module" 2> /dev/null || true
done
wanted=$(cat)
own_file /etc/modules-load.d/tandem.conf
printf 'overlay\nnf_conntrack\n' > /etc/modules-load.d/tandem.conf
own_file /etc/sysctl.d/90-tandem.conf
: > /etc/sysctl.d/90-tandem.conf
while read -r name value; do
  [ -e "/proc/sys/${name//.//}" ] || continue
  was=$(cat "/proc/sys/${name//.//}")
  if [ "$was" -lt "$value" ]; then
    grep -qs "^$name " "$state/sysctls" || printf '%s %s\n' "$name" "$was" >> "$state/sysctls"
    printf '%s' "$value" > "/proc/sys/${name//.//}"
  else
    # More than enough is somebody's choice: kept at the next boot too, and not put back by `reset`.
    value=$was
  fi
  printf '%s = %s\n' "$name" "$value" >> /etc/sysctl.d/90-tandem.conf
done <<< "$wanted"
