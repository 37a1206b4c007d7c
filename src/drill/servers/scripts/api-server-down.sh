# $manifest: of its static pod; $aside: where it lies meanwhile.
[ -e "$manifest" ] || fail "there is no $manifest"
pid=$(pid_of kube-apiserver) || fail "no API server runs here"
arm <<< "[ -e $manifest ] || mv $aside $manifest"
ready "the API server was taken away and killed"
mv "$manifest" "$aside"
kill -KILL "$pid"
