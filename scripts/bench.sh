#!/usr/bin/env bash
# Measures: durable appends beside a bare write-and-sync loop, then verification of a large package, then the gateway
# beside nginx. Reports, never judges.
# docs/benchmarks.md says how to read the figures and on what machine ours were taken. BENCH_DIR: the disk to measure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

directory=${BENCH_DIR:-${CARGO_TARGET_DIR:-target}/bench}
mkdir -p "$directory" # not the system's temporary directory: that is often memory, where a sync costs nothing

cargo build --release --locked --quiet --package tabellion-bench --bins
for measurement in append verify; do
  printf '\n== %s\n' "$measurement"
  "${CARGO_TARGET_DIR:-target}/release/$measurement" --dir "$directory"
done

printf '\n== gateway\n'
scripts/bench-gateway.sh
