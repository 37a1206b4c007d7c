# Exit code 0: this server has $address now.
[ -n "$(ip -o -4 address show to "$address/32")" ]
