#!/usr/bin/env bash
# Measures: durable appends beside a bare write-and-sync loop, then verification of a large package and of a log, then a long log, then views and pages over a
# million calls, then records over HTTP, then the gateway beside nginx, its first events, its open streams and its guards, then the mask beside another, then gateways of others. Reports, never judges.
# docs/benchmarks.md says how to read the figures and on what machine ours were taken. BENCH_DIR: the disk to measure; CALLS (1000000)
# and ITEMS (10000): the size of the log for views and pages, which takes 6 KB a call there and is kept for the next time; ENTRIES (1000000): that
# of the long log, 2 KB each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

directory=${BENCH_DIR:-${CARGO_TARGET_DIR:-target}/bench}
mkdir -p "$directory" # not the system's temporary directory: that is often memory, where a sync costs nothing

cargo build --release --locked --quiet --workspace --bins # all at once: a part of them would have other features, and all be compiled anew
for measurement in append verify fsck batch; do
  printf '\n== %s\n' "$measurement"
  "${CARGO_TARGET_DIR:-target}/release/$measurement" --dir "$directory"
done

printf '\n== long\n'
long=${CARGO_TARGET_DIR:-target}/release/long
log=$directory/long-${ENTRIES:-1000000}
if [ ! -e "$log/made" ]; then
  rm -rf "$log"
  "$long" make --dir "$log" --entries "${ENTRIES:-1000000}"
  touch "$log/made"
fi
"$long" measure --dir "$log"

printf '\n== views\n'
log=$directory/views-${CALLS:-1000000}-${ITEMS:-10000}
views=${CARGO_TARGET_DIR:-target}/release/views
if [ ! -e "$log/made" ]; then
  rm -rf "$log"
  "$views" make --dir "$log" --calls "${CALLS:-1000000}" --items "${ITEMS:-10000}"
  touch "$log/made"
fi
"$views" measure --dir "$log"

printf '\n== pages\n'
scripts/bench-pages.sh "$log"

printf '\n== records over HTTP\n'
scripts/bench-records.sh

printf '\n== gateway\n'
scripts/bench-gateway.sh
printf '\n== first events of streams\n'
scripts/bench-first-event.sh
printf '\n== open streams\n'
scripts/bench-streams.sh
printf '\n== guards\n'
scripts/bench-guards.sh

printf '\n== mask\n'
scripts/bench-masks.sh

if [ "$(uname -sm)" = "Linux x86_64" ]; then
  printf '\n== gateways of others\n'
  scripts/bench-peers.sh
fi
