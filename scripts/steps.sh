# shellcheck shell=bash
# Sourced by the scripts here: run named steps, say how long each took, stop at the first that fails.
#
# A step is a program, never a shell function: `set -e` does not reach into a function whose result is tested.

# Takes a line for everything that a step leaves out (left-out.sh): else nobody who reads the end alone would know.
# Steps within a step have that of the outermost.
if [ -z "${STEP_LEFT_OUT:-}" ]; then
  STEP_LEFT_OUT=$(mktemp)
  export STEP_LEFT_OUT
  trap 'rm -f "$STEP_LEFT_OUT"' EXIT
fi
STEP_NAMES=()
STEP_SECONDS=()

step() {
  local name=$1 begin=$SECONDS status=0
  shift
  printf '\n== %s\n' "$name"
  "$@" || status=$?
  if [ "$status" -ne 0 ]; then
    printf '== %s: FAILED (exit %d) after %d s: %s\n' "$name" "$status" "$((SECONDS - begin))" "$*" >&2
    exit 1
  fi
  STEP_NAMES+=("$name")
  STEP_SECONDS+=("$((SECONDS - begin))")
}

step_summary() {
  local index
  printf '\n== %s\n' "$1"
  for index in "${!STEP_NAMES[@]}"; do
    printf '%6d s  %s\n' "${STEP_SECONDS[$index]}" "${STEP_NAMES[$index]}"
  done
  printf '%6d s  together\n' "$SECONDS"
  sed 's/^/== LEFT OUT: /' "$STEP_LEFT_OUT"
}
