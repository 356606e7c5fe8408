# shellcheck shell=bash
# Sourced by scripts that go on without something that cannot be had here: left_out WHAT says in one line what was not tried, at once and,
# where the script is one of several steps (steps.sh), once more at the end of them all.
left_out() {
  printf '== LEFT OUT: %s\n' "$1" >&2
  [ -z "${STEP_LEFT_OUT:-}" ] || printf '%s\n' "$1" >>"$STEP_LEFT_OUT"
}
