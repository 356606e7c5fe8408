#!/usr/bin/env bash
# Measures what memory the program takes while many streams stand open: each has had its first event from a provider that then stands still. Reports, never judges.
# docs/benchmarks.md says how to read it. STREAMS (1000), STILL_MS (30000): how long the provider stands still, which has to be longer than opening them all takes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh

ensure_command curl curl
ensure_command jq jq
ensure_command nginx nginx-light
streams=${STREAMS:-1000}
ulimit -n $((4 * streams + 1024)) # two connections a stream in the program, one in each end
. scripts/bench-notary.sh

sleep 2 # what a start allocates is given back by then
taskset -c 0 "$programs/traffic" open "$gateway" --key "$key" --in-flight "$streams" --process "$served" --stream --model "bench-still-${STILL_MS:-30000}"
