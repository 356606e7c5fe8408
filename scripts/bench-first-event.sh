#!/usr/bin/env bash
# Measures how much later the first event of a stream comes through the gateway and through nginx than from the provider itself, in turns. Reports, never judges.
# docs/benchmarks.md says how to read it. ROUNDS (5), SECONDS_EACH (5), IN_FLIGHT ("1 16 64"), STILL_MS (100): how long a stream of the second kind stands still
# after its first event; BENCH_DIR: the disk to measure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh

ensure_command curl curl
ensure_command jq jq
ensure_command nginx nginx-light
. scripts/bench-notary.sh

# The provider itself is asked over as many cores as there are between it and the gateway.
direct=127.0.0.1:$(free_port)
taskset -c 1 "$programs/traffic" upstream "$direct" &

: >"$work/first-events.txt"
for model in bench-1 "bench-still-${STILL_MS:-100}"; do
  for round in $(seq "${ROUNDS:-5}"); do
    for in_flight in ${IN_FLIGHT:-1 16 64}; do
      for name in direct proxy gateway; do
        printf '%s %s %s %s %s\n' "$model" "$in_flight" "$round" "$name" "$(load "${!name}" "$in_flight" --first-event --model "$model")"
      done
    done
  done
done >>"$work/first-events.txt"
python3 -B scripts/gateways/first_events.py "$work/first-events.txt"
printf '\nfdatasync of 4 KiB, p50 and p99 ms: %s\n' "$("$programs/traffic" probe "$work")"
