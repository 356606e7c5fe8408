#!/usr/bin/env bash
# Measures our scan and mask beside those of datafog-core for the same texts, in turns and on one core. Reports, never judges. docs/benchmarks.md says how to read
# it. RUNS (2000).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo build --release --locked --quiet --manifest-path bench/masks/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}/masks"
printf '%s; load average %s\n\n' "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -1)" "$(cut -d' ' -f1 /proc/loadavg)"
taskset -c 1 "${CARGO_TARGET_DIR:-target}/masks/release/tabellion-bench-masks" "${RUNS:-2000}"
