systemctl stop "$unit.timer" 2> /dev/null || true
[ ! -e "$folder/undo" ] || bash "$folder/undo" || true
rm -f "$folder/undo" "$folder/kernel-log"
# Says whether a boot is what is left to do. A boot takes the folder away.
[ ! -e "$folder/boot" ] || echo boot
