# Loads modules and sets sysctls now and for each boot; the values that were there before are noted for `reset`.
own_folder "$state"
for module in overlay nf_conntrack; do
  modprobe "$module" 2> /dev/null || true
done
wanted=$(cat)
own_file /etc/modules-load.d/tandem.conf
printf 'overlay\nnf_conntrack\n' > /etc/modules-load.d/tandem.conf
own_file /etc/sysctl.d/90-tandem.conf
sed 's/ / = /' <<< "$wanted" > /etc/sysctl.d/90-tandem.conf
while read -r name value; do
  was=$(cat "/proc/sys/${name//.//}")
  grep -qs "^$name " "$state/sysctls" || printf '%s %s\n' "$name" "$was" >> "$state/sysctls"
  printf '%s' "$value" > "/proc/sys/${name//.//}"
done <<< "$wanted"
