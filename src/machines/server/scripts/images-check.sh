# Input: `sha256 reference` lines. An image without our label came from elsewhere (a registry, a mirror) and is good.
present=$(ctr -n k8s.io images list)
while read -r sha256 reference; do
  line=$(grep -F -- "$reference " <<< "$present" | grep -m 1 -- "^$reference ") || exit 1
  case $line in
    *"tandem.dev/archive=$sha256"*) ;;
    *tandem.dev/archive=*) exit 1 ;;
  esac
done
