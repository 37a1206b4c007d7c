# Writes down whose server this is, before anything else that is made here; what is written stays. Prints what is written.
own_folder "$state"
if [ ! -s "$state/stack" ]; then
  printf '%s\n' "$mark" > "$state/stack.new"
  mv -f -- "$state/stack.new" "$state/stack"
fi
cat "$state/stack"
