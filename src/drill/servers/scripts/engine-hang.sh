the_ranks
arm <<< 'ranks | while read -r _ pid; do kill -CONT "$pid"; done'
ready "its ranks stopped making progress, with every socket open"
kill -STOP "${found[@]#* }"
