#!/usr/bin/env bash
# Feeds each parser of outside bytes with broken input for FUZZ_SECONDS (60): fuzz.sh [TARGET…]
#
# Coverage-guided by libFuzzer on the stable toolchain: the flags below are what cargo-fuzz passes with its sanitizers off.
# What a run learns stays in the target directory and is where the next one starts; golden files are the first seeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh
ensure_command g++ g++ # libFuzzer's own engine is C++

seconds=${FUZZ_SECONDS:-60}
host=$(rustc -vV | sed -n 's/^host: //p')
place=$(mkdir -p "${CARGO_TARGET_DIR:-target}/fuzz" && cd "${CARGO_TARGET_DIR:-target}/fuzz" && pwd)

if [ "$#" -eq 0 ]; then
  mapfile -t targets < <(basename --suffix=.rs -a fuzz/src/bin/*.rs)
else
  targets=("$@")
fi

# An explicit --target keeps the flags off build scripts and macros, which have no fuzzing engine to link.
RUSTFLAGS="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares" \
  cargo build --manifest-path fuzz/Cargo.toml --target-dir "$place" --target "$host" --release --locked --quiet --bins

failed=0
for target in "${targets[@]}"; do
  corpus=$place/corpus/$target
  mkdir -p "$corpus" "$place/found"
  seeds=()
  for seed in fuzz/seeds/"$target" crates/tlog/tests/golden crates/model/tests/golden; do
    if [ -d "$seed" ]; then seeds+=("$seed"); fi
  done
  if "$place/$host/release/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$place/found/$target-" "$corpus" "${seeds[@]}" >"$place/$target.log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$place/$target.log")
    printf '%-14s %12s inputs, nothing found\n' "$target" "$runs"
  else
    tail -n 30 "$place/$target.log"
    printf '%-14s FAILED: the input is in %s, the whole output in %s\n' "$target" "$place/found" "$place/$target.log"
    failed=1
  fi
done
exit "$failed"
