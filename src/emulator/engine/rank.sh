# One rank of an emulated engine: passes every step on to the next rank of this server. A killed or stopped rank
# breaks or stalls the ring as a lost rank stalls a collective; a vanished parent closes the ring and ends it.
if [ -w /proc/self/comm ]; then echo "$RANK_COMM" > /proc/self/comm; fi
while read -r step; do echo "$step"; done
