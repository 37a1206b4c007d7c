#!/bin/sh
# Stands in for nvidia-smi on an emulated GPU server: prints what driver 580.95.05 prints for eight H100 80GB HBM3.
# Who this machine is comes from machine.json; planted faults from gpus.tsv, "INDEX<TAB>FIELD<TAB>VALUE" a line, later
# lines win, index * is all GPUs. Fields are those of --query-gpu, and: lost, hang, driver, health.
machine=${TANDEM_MACHINE_FILE:-/etc/tandem/machine.json}
faults=${TANDEM_GPU_FAULTS:-/run/tandem/gpus.tsv}
proc=${TANDEM_PROC:-/proc}
# An agent asks every ten seconds, on each machine of a computer: no program is started for what the shell can do.
text=
while IFS= read -r line || [ -n "$line" ]; do text=$text$line; done 2>/dev/null < "$machine"
field() { # the value of a key: a word or a number
  case $text in *"\"$1\":"*) value=${text#*"\"$1\":"}; value=${value# }; value=${value#\"}; value=${value%%[\",\} ]*} ;; *) value= ;; esac
}
field name; name=$value
field gpus; count=$value
[ -f "$faults" ] || faults=/dev/null
if [ "${count:-0}" -eq 0 ]; then
  echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running."
  echo
  exit 9
fi
# A wedged driver holds every process that asks it; a caller must have its own time-out.
while [ -s "$faults" ] && [ "$(awk -F'\t' '$2 == "hang" {v = $3} END {print v}' "$faults")" = 1 ]; do sleep 1; done
field seed; hash=$value
if [ -z "$hash" ]; then hash=$(printf %s "$name" | sha256sum); hash=${hash%% *}; fi

mode=table; format=; fields=; only=; reset=
while [ $# -gt 0 ]; do
  case $1 in
    -L | --list-gpus) mode=list ;;
    --query-gpu=*) mode=gpu; fields=${1#*=} ;;
    --query-gpu) mode=gpu; fields=$2; shift ;;
    --query-compute-apps=*) mode=apps; fields=${1#*=} ;;
    --query-remapped-rows=*) mode=rows; fields=${1#*=} ;;
    --format=*) format=${1#*=} ;;
    --format) format=$2; shift ;;
    -i | --id) only=$2; shift ;;
    -i=* | --id=*) only=${1#*=} ;;
    -q | --query) mode=query ;;
    -x | --xml-format) format=xml ;;
    -d | --display) shift ;;
    -r | --gpu-reset) reset=1 ;;
    -pm | -e | -c) echo "All done."; exit 0 ;;
    --version) mode=version ;;
    -h | --help) echo "NVIDIA System Management Interface -- v580.95.05"; exit 0 ;;
    *) printf 'Invalid combination of input arguments. Please run '\''nvidia-smi -h'\'' for help.\n\n'; exit 1 ;;
  esac
  shift
done
case $mode in
  gpu | apps | rows) [ -n "$format" ] || { printf 'Required argument --format= is missing.\n\n'; exit 2; } ;;
esac

# Ranks of an engine hold the GPUs: their titles begin with sglang::scheduler, in the order of the GPUs. The shell reads a
# byte at a time, so the short name that the kernel keeps tells whose title is worth it.
apps=
case $mode in
  apps | table | gpu | query)
    for dir in "$proc"/[0-9]*; do
      # A process may be gone by now, and a read that fails leaves what was there.
      comm=
      { read -r comm < "$dir/comm"; } 2>/dev/null
      [ "$comm" = "sglang::schedul" ] || continue
      line=
      { read -r line < "$dir/cmdline"; } 2>/dev/null
      case $line in
        sglang::scheduler*) rank=${line#*_TP}; rank=${rank%%[!0-9]*}; apps="$apps ${dir##*/}:$((${rank:-0} % count))" ;;
      esac
    done ;;
esac

if [ -n "$reset" ]; then
  for app in $apps; do
    [ -n "$only" ] && [ "${app#*:}" != "$only" ] && continue
    echo "GPU is currently in use by one or more other processes: ${app%:*}."
    exit 19
  done
  # A reset clears what needs one; a GPU off the bus needs a reboot.
  awk -F'\t' -v only="$only" 'only != "" && $1 != only && $1 != "*" {print; next} $2 == "lost" || $2 == "driver" {print}' "$faults" > "$faults.new" 2>/dev/null &&
    mv "$faults.new" "${TANDEM_GPU_FAULTS:-/run/tandem/gpus.tsv}"
  echo "GPU 00000000:00:00.0 was successfully reset."
  echo "All done."
  exit 0
fi

now= stamp=
case $mode,$fields in
  table,* | query,* | *timestamp*)
    now=$(date '+%a %b %e %H:%M:%S %Y')
    stamp=$(date '+%Y/%m/%d %H:%M:%S.000') ;;
esac
exec awk -F'\t' -v count="$count" -v hash="$hash$hash" -v mode="$mode" -v fields="$fields" -v format="$format" \
  -v only="$only" -v apps="$apps" -v now="$now" -v stamp="$stamp" '
function uuid(i,  h) {
  h = substr(hash, 1 + i * 4, 32)
  return "GPU-" substr(h, 1, 8) "-" substr(h, 9, 4) "-" substr(h, 13, 4) "-" substr(h, 17, 4) "-" substr(h, 21, 12)
}
function get(i, field) { return (i, field) in value ? value[i, field] : ("*", field) in value ? value["*", field] : "" }
function used(i) { return (i in pids) ? 71236 : 4 }
function read_field(i, field,  v) {
  sub(/^gpu_name$/, "name", field); sub(/^gpu_uuid$/, "uuid", field); sub(/^gpu_bus_id$/, "pci.bus_id", field)
  sub(/^gpu_serial$/, "serial", field)
  v = get(i, field)
  if (v != "") return v
  if (field == "index") return i
  if (field == "uuid") return uuid(i)
  if (field == "pci.bus_id") return bus[i]
  if (field == "serial") return "16541230" sprintf("%05d", i * 7 + 11)
  if (field == "timestamp") return stamp
  if (field == "memory.used") return used(i) " MiB"
  if (field == "memory.free") return (81559 - 563 - used(i)) " MiB"
  if (field == "utilization.gpu") return (i in pids ? 97 : 0) " %"
  if (field == "power.draw" || field == "power.draw.instant" || field == "power.draw.average") return (i in pids ? "318.42" : "69.81") " W"
  if (field == "temperature.gpu") return (i in pids ? 44 : 29) + i % 3
  if (field == "temperature.memory") return (i in pids ? 52 : 36) + i % 3
  if (field == "compute_mode") return "Default"
  if (field in fixed) return fixed[field]
  return "\001"
}
function strip(text) { if (nounits) sub(/ (MiB|W|%|MHz)$/, "", text); return text }
function unit(field) {
  if (field ~ /^memory\./) return " [MiB]"
  if (field ~ /^power\./) return " [W]"
  if (field ~ /^utilization\./) return " [%]"
  if (field ~ /^clocks\.(gr|sm|mem|max|current|video)/ && field !~ /reasons/) return " [MHz]"
  return ""
}
function lost_line(i) {
  print "Unable to determine the device handle for GPU" i ": " substr(bus[i], 5) ": GPU is lost.  Reboot the system to recover this GPU"
  code = 15
}
function defaults(text,  parts, n, k, at) {
  n = split(text, parts, ";")
  for (k = 1; k <= n; k++) { at = index(parts[k], "="); fixed[substr(parts[k], 1, at - 1)] = substr(parts[k], at + 1) }
}
BEGIN {
  split("1B:00 43:00 52:00 61:00 9D:00 C3:00 D1:00 DF:00", ids, " ")
  for (i = 0; i < count; i++) bus[i] = "00000000:" ids[i + 1] ".0"
  n = split(apps, list, " ")
  for (k = 1; k <= n; k++) { split(list[k], pair, ":"); pids[pair[2]] = pair[1]; apps_at[k] = pair[2]; app_pid[k] = pair[1] }
  napps = n
  nounits = format ~ /nounits/; noheader = format ~ /noheader/
  defaults("name=NVIDIA H100 80GB HBM3;count=" count ";driver_version=580.95.05;vbios_version=96.00.99.00.01;memory.total=81559 MiB;memory.reserved=563 MiB;utilization.memory=0 %")
  defaults("power.limit=700.00 W;power.max_limit=700.00 W;power.default_limit=700.00 W;enforced.power.limit=700.00 W;persistence_mode=Enabled;pstate=P0;ecc.mode.current=Enabled;ecc.mode.pending=Enabled")
  defaults("mig.mode.current=Disabled;mig.mode.pending=Disabled;compute_cap=9.0;fan.speed=[N/A];display_active=Disabled;display_mode=Enabled;gpu_recovery_action=None;reset_required=No;drain_and_reset_recommended=No")
  defaults("ecc.errors.corrected.volatile.total=0;ecc.errors.corrected.aggregate.total=0;ecc.errors.uncorrected.volatile.total=0;ecc.errors.uncorrected.aggregate.total=0;ecc.errors.corrected.volatile.dram=0;ecc.errors.uncorrected.volatile.dram=0")
  defaults("ecc.errors.corrected.volatile.sram=0;ecc.errors.uncorrected.volatile.sram=0;ecc.errors.uncorrected.aggregate.sram=0;ecc.errors.uncorrected.aggregate.dram=0;ecc.errors.uncorrected.aggregate.sram.thresholdExceeded=No")
  defaults("retired_pages.single_bit_ecc.count=[N/A];retired_pages.double_bit.count=[N/A];retired_pages.pending=[N/A];remapped_rows.correctable=0;remapped_rows.uncorrectable=0;remapped_rows.pending=No;remapped_rows.failure=No")
  defaults("remapped_rows.histogram.max=2560 bank(s);remapped_rows.histogram.high=0 bank(s);remapped_rows.histogram.partial=0 bank(s);remapped_rows.histogram.low=0 bank(s);remapped_rows.histogram.none=0 bank(s)")
  defaults("pcie.link.gen.current=5;pcie.link.gen.max=5;pcie.link.width.current=16;pcie.link.width.max=16;clocks.gr=1980 MHz;clocks.sm=1980 MHz;clocks.mem=2619 MHz;clocks.max.sm=1980 MHz;clocks.max.gr=1980 MHz;clocks.max.mem=2619 MHz")
  defaults("clocks_event_reasons.active=0x0000000000000000;clocks_event_reasons.hw_slowdown=Not Active;clocks_event_reasons.hw_thermal_slowdown=Not Active;clocks_event_reasons.sw_thermal_slowdown=Not Active;clocks_event_reasons.hw_power_brake_slowdown=Not Active;clocks_event_reasons.sw_power_cap=Not Active")
  defaults("fabric.state=Completed;fabric.status=Success;temperature.gpu.tlimit=58")
}
$1 != "" && NF >= 3 { value[$1, $2] = $3 }
END {
  if (get("*", "driver") == "gone") {
    print "NVIDIA-SMI has failed because it couldn\047t communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n"
    exit 9
  }
  for (i = 0; i < count; i++) {
    if (only != "" && only != i && only != uuid(i) && toupper(only) != bus[i]) continue
    if (get(i, "lost") == 1) lost_line(i); else shown[i] = 1
  }
  if (mode == "list") { for (i = 0; i < count; i++) if (i in shown) print "GPU " i ": NVIDIA H100 80GB HBM3 (UUID: " uuid(i) ")" }
  else if (mode == "version") print "NVIDIA-SMI version  : 580.95.05\nNVML version        : 580.95\nDRIVER version      : 580.95.05\nCUDA Version        : 13.0"
  else if (mode == "gpu" || mode == "rows") query(fields)
  else if (mode == "apps") query_apps(fields)
  else if (mode == "query" && format == "xml") xml()
  else if (mode == "query") text_query()
  else table()
  exit code
}
function query(list,  n, f, k, i, line) {
  n = split(list, f, / *, */)
  for (k = 1; k <= n; k++) if (read_field(0, f[k]) == "\001") { print "Field \"" f[k] "\" is not a valid field to query.\n"; code = 2; return }
  line = ""
  for (k = 1; k <= n; k++) line = line (k > 1 ? ", " : "") f[k] unit(f[k])
  if (!noheader) print line
  for (i = 0; i < count; i++) if (i in shown) {
    line = ""
    for (k = 1; k <= n; k++) line = line (k > 1 ? ", " : "") strip(read_field(i, f[k]))
    print line
  }
}
function query_apps(list,  n, f, k, a, i, line, v) {
  n = split(list, f, / *, */)
  line = ""
  for (k = 1; k <= n; k++) line = line (k > 1 ? ", " : "") f[k] (f[k] == "used_memory" || f[k] == "used_gpu_memory" ? " [MiB]" : "")
  if (!noheader) print line
  for (a = 1; a <= napps; a++) {
    i = apps_at[a]
    if (!(i in shown)) continue
    line = ""
    for (k = 1; k <= n; k++) {
      v = f[k] == "pid" ? app_pid[a] : f[k] == "process_name" || f[k] == "name" ? "sglang::scheduler_TP" i : f[k] ~ /^used/ ? (nounits ? "71232" : "71232 MiB") : strip(read_field(i, f[k]))
      line = line (k > 1 ? ", " : "") v
    }
    print line
  }
}
function table(  i, any, a) {
  print now
  print "+-----------------------------------------------------------------------------------------+"
  print "| NVIDIA-SMI 580.95.05              Driver Version: 580.95.05      CUDA Version: 13.0     |"
  print "+-----------------------------------------+------------------------+----------------------+"
  print "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |"
  print "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |"
  print "|                                         |                        |               MIG M. |"
  print "|=========================================+========================+======================|"
  for (i = 0; i < count; i++) if (i in shown) {
    printf "| %3d  NVIDIA H100 80GB HBM3          On  |   %s Off | %20s |\n", i, bus[i], read_field(i, "ecc.errors.uncorrected.volatile.total")
    printf "| N/A   %2dC    P0           %4dW /  700W | %7dMiB /  81559MiB | %6d%%      Default |\n", read_field(i, "temperature.gpu"), read_field(i, "power.draw"), used(i), i in pids ? 97 : 0
    print "|                                         |                        |             Disabled |"
    print "+-----------------------------------------+------------------------+----------------------+"
  }
  print ""
  print "+-----------------------------------------------------------------------------------------+"
  print "| Processes:                                                                              |"
  print "|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |"
  print "|        ID   ID                                                               Usage      |"
  print "|=========================================================================================|"
  for (a = 1; a <= napps; a++) printf "| %4d   N/A  N/A %16d      C   %-32s %9dMiB |\n", apps_at[a], app_pid[a], "sglang::scheduler_TP" apps_at[a], 71232
  if (napps == 0) print "|  No running processes found                                                             |"
  print "+-----------------------------------------------------------------------------------------+"
}
function xml(  i, a) {
  print "<?xml version=\"1.0\" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM \"nvsmi_device_v12.dtd\">\n<nvidia_smi_log>"
  print "\t<timestamp>" now "</timestamp>\n\t<driver_version>580.95.05</driver_version>\n\t<cuda_version>13.0</cuda_version>\n\t<attached_gpus>" count "</attached_gpus>"
  for (i = 0; i < count; i++) if (i in shown) {
    print "\t<gpu id=\"" bus[i] "\">\n\t\t<product_name>NVIDIA H100 80GB HBM3</product_name>\n\t\t<uuid>" uuid(i) "</uuid>\n\t\t<minor_number>" i "</minor_number>"
    print "\t\t<gpu_recovery_action>" read_field(i, "gpu_recovery_action") "</gpu_recovery_action>\n\t\t<fb_memory_usage>\n\t\t\t<total>81559 MiB</total>\n\t\t\t<used>" used(i) " MiB</used>\n\t\t</fb_memory_usage>"
    print "\t\t<ecc_errors>\n\t\t\t<volatile>\n\t\t\t\t<dram_uncorrectable>" read_field(i, "ecc.errors.uncorrected.volatile.dram") "</dram_uncorrectable>\n\t\t\t</volatile>\n\t\t</ecc_errors>"
    print "\t\t<remapped_rows>\n\t\t\t<remapped_row_corr>" read_field(i, "remapped_rows.correctable") "</remapped_row_corr>\n\t\t\t<remapped_row_unc>" read_field(i, "remapped_rows.uncorrectable") "</remapped_row_unc>\n\t\t\t<remapped_row_pending>" read_field(i, "remapped_rows.pending") "</remapped_row_pending>\n\t\t\t<remapped_row_failure>" read_field(i, "remapped_rows.failure") "</remapped_row_failure>\n\t\t</remapped_rows>"
    print "\t\t<temperature>\n\t\t\t<gpu_temp>" read_field(i, "temperature.gpu") " C</gpu_temp>\n\t\t</temperature>\n\t\t<processes>"
    for (a = 1; a <= napps; a++) if (apps_at[a] == i) print "\t\t\t<process_info>\n\t\t\t\t<pid>" app_pid[a] "</pid>\n\t\t\t\t<type>C</type>\n\t\t\t\t<process_name>sglang::scheduler_TP" i "</process_name>\n\t\t\t\t<used_memory>71232 MiB</used_memory>\n\t\t\t</process_info>"
    print "\t\t</processes>\n\t</gpu>"
  }
  print "</nvidia_smi_log>"
}
function text_query(  i) {
  print "\n==============NVSMI LOG==============\n\nTimestamp                                 : " now "\nDriver Version                            : 580.95.05\nCUDA Version                              : 13.0\n\nAttached GPUs                             : " count
  for (i = 0; i < count; i++) if (i in shown) {
    print "GPU " bus[i] "\n    Product Name                          : NVIDIA H100 80GB HBM3\n    GPU UUID                              : " uuid(i)
    print "    GPU Recovery Action                   : " read_field(i, "gpu_recovery_action")
    print "    ECC Errors\n        Volatile\n            DRAM Uncorrectable            : " read_field(i, "ecc.errors.uncorrected.volatile.dram")
    print "    Remapped Rows\n        Correctable Error                 : " read_field(i, "remapped_rows.correctable") "\n        Uncorrectable Error               : " read_field(i, "remapped_rows.uncorrectable") "\n        Pending                           : " read_field(i, "remapped_rows.pending") "\n        Remapping Failure Occurred        : " read_field(i, "remapped_rows.failure")
  }
}
' "$faults"
