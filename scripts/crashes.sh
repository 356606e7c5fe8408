#!/usr/bin/env bash
# Power cuts beyond what a test run has time for: crashes.sh FROM TO [JOBS] tries the seeds FROM..TO on a simulated disk, JOBS processes of two
# threads at a time (1), and says in one line what was done. A seed that fails is named and repeats exactly. A million cuts are about 600,000 seeds.
set -euo pipefail
if [ $# -lt 2 ] || [ "$2" -le "$1" ]; then
  echo "usage: $0 FROM TO [JOBS]" >&2
  exit 2
fi
from=$1 to=$2 jobs=${3:-1}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One process takes this many seeds: a run that is ended in between has lost minutes, not hours.
readonly part=20000
test=no_power_cut_or_failing_disk_loses_doubles_or_forks_what_was_acknowledged
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cargo test --locked --quiet -p tabellion-ledger --test it --no-run
begin=$SECONDS
one() {
  CRASH_SEEDS="$1..$2" cargo test --locked --quiet -p tabellion-ledger --test it "$test" -- --nocapture >"$place/$1" 2>&1 || {
    grep -E 'seed [0-9]+:|panicked' "$place/$1" >&2 || cat "$place/$1" >&2
    return 1
  }
}
running=0
for ((first = from; first < to; first += part)); do
  last=$((first + part < to ? first + part : to))
  one "$first" "$last" &
  running=$((running + 1))
  if [ "$running" -ge "$jobs" ]; then
    wait -n
    running=$((running - 1))
  fi
done
while [ "$running" -gt 0 ]; do
  wait -n
  running=$((running - 1))
done
cat "$place"/* | awk -v seeds=$((to - from)) -v from="$from" -v to="$to" -v seconds=$((SECONDS - begin)) '
  / power cuts, .* acknowledged/ { cuts += $1; kills += $4; faults += $7; acknowledged += $10 }
  END {
    if (cuts == 0) { print "no run said what it did" > "/dev/stderr"; exit 1 }
    printf "| seeds %d..%d | %d power cuts | %d dead processes | %d other faults of the disk | %d records acknowledged | lost 0 | doubled 0 | forked 0 | %d s |\n", from, to, cuts, kills, faults, acknowledged, seconds
  }'
