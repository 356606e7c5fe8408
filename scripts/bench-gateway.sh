#!/usr/bin/env bash
# Measures the gateway beside nginx as a plain reverse proxy to the same provider, in turns, each alone on the second core. Reports, never
# judges. docs/benchmarks.md says how to read it. ROUNDS (3), SECONDS_EACH (3), IN_FLIGHT ("16 64 256"), BENCH_DIR: the disk to measure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh

ensure_command curl curl
ensure_command jq jq
ensure_command nginx nginx-light
. scripts/bench-notary.sh

sleep 2 # what a start allocates is given back by then
printf 'memory at rest before the first call: %s\n' "$(rss)"
printf '%s; one core for each side, the other for provider and clients\n\n' "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -1)"

# The share of calls so far at or below each bound, in the two histograms that the gateway keeps of its own time and of its waits for the disk.
histograms() {
  curl -fsS "http://$console/metrics" | awk -F'[ "]' '
    /^tabellion_gateway_(own|sync)_seconds_bucket/ { split($1, part, "_"); up[part[3]] = up[part[3]] " " $2 ":" $NF }
    /^tabellion_gateway_(own|sync)_seconds_count/ { split($1, part, "_"); count[part[3]] = $NF }
    END { for (name in up) { printf "gateway %s seconds, one call in flight, share of calls up to:", name
      n = split(up[name], bounds, " ")
      for (i = 1; i <= n; i++) { split(bounds[i], b, ":"); share = b[2] / count[name]; if (share > 0 && last[name] < 1) printf " %s %.4f", b[1], share; last[name] = share }
      print "" } }'
}
load "$gateway" 1 >/dev/null
histograms
printf '\n| answer | in flight | nginx/s | p50 / p99 ms | gateway/s | p50 / p99 ms | ratio |\n|---|---|---|---|---|---|---|\n'
for kind in whole stream; do
  options=()
  [ "$kind" = whole ] || options=(--stream)
  for in_flight in 1 ${IN_FLIGHT:-16 64 256}; do
    for _ in $(seq "${ROUNDS:-3}"); do
      printf '%s %s ' "$(load "$proxy" "$in_flight" "${options[@]}")" "$(load "$gateway" "$in_flight" "${options[@]}")"
      printf '%s %s\n' "$kind" "$in_flight"
    done | sort -n -k4 | awk '{ line[NR] = $0 } END { split(line[int((NR + 1) / 2)], f, " ");
      printf "| %s | %s | %s | %s / %s | %s | %s / %s | %.2f |\n", f[7], f[8], f[1], f[2], f[3], f[4], f[5], f[6], f[4] / f[1] }'
  done
done
printf '\nmemory after all calls: %s; fdatasync of 4 KiB, p50 and p99 ms: %s\n\n' "$(rss)" "$("$programs/traffic" probe "$work")"
