# $chance: a number that says which.
the_ranks
read -r rank pid <<< "${found[chance % ${#found[@]}]}"
ready "the process of rank $rank was killed"
kill -KILL "$pid"
