# Functions for scripts that change a server. Everything that is made is written down under /var/lib/tandem first, so
# that `reset` can take back exactly that, also after a change that was killed half-way.
state=/var/lib/tandem

# own_folder PATH: makes a folder and its parents, noting the ones that were not there.
own_folder() {
  if [ ! -d "$state" ]; then
    mkdir -p -m 0700 -- "$state"
    printf '%s\n' "$state" > "$state/folders"
  fi
  [ -d "$1" ] && return
  own_folder "$(dirname -- "$1")"
  printf '%s\n' "$1" >> "$state/folders"
  mkdir -- "$1"
}

# own_file PATH: to be called before a file is written. Keeps what another program had there.
own_file() {
  own_folder "$(dirname -- "$1")"
  own_folder "$state/originals"
  grep -qsxF -- "$1" "$state/files" && return
  if [ -e "$1" ] || [ -L "$1" ]; then
    own_folder "$state/originals$(dirname -- "$1")"
    cp -a -- "$1" "$state/originals$1"
  fi
  printf '%s\n' "$1" >> "$state/files"
}

# own_link TARGET PATH
own_link() {
  [ "$(readlink -- "$2" || true)" = "$1" ] && return
  own_file "$2"
  ln -sfn -- "$1" "$2"
}
