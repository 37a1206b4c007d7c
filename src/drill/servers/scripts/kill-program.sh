# $program: a word of its command line; $pod: what a process of that pod calls itself begins with the pod's name.
pid=$(pid_of "$program" "$pod") || exit 1
ready "the process of $program on $(hostname) was killed"
kill -KILL "$pid"
