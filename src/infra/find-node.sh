# Sourced by the two plug-ins. npm installs a Node 24 beside the other packages; a clone and an installed package keep
# node_modules at different heights, so every folder upwards is tried before PATH.
find_node() {
  case "$(uname -m)" in aarch64 | arm64) arch=arm64 ;; *) arch=x64 ;; esac
  dir=$1
  while [ "$dir" != / ]; do
    candidate="$dir/node_modules/node-linux-$arch/bin/node"
    if [ -x "$candidate" ]; then
      printf '%s\n' "$candidate"
      return
    fi
    dir=$(dirname -- "$dir")
  done
  printf 'node\n'
}

# A clone holds TypeScript, an installed package the JavaScript made from it.
entry() {
  if [ -f "$1.ts" ]; then printf '%s.ts\n' "$1"; else printf '%s.js\n' "$1"; fi
}
