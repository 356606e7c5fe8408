#!/usr/bin/env bash
# Measures the gateway beside nginx as a plain reverse proxy to the same provider, in turns, each alone on the second core. Reports, never
# judges. docs/benchmarks.md says how to read it. ROUNDS (3), SECONDS_EACH (3), IN_FLIGHT ("16 64 256"), BENCH_DIR: the disk to measure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh

ensure_command curl curl
ensure_command jq jq
ensure_command nginx nginx-light
cargo build --release --locked --quiet --package tabellion-bench --bins
cargo build --release --locked --quiet --package tabellion --bins
programs=$(cd "${CARGO_TARGET_DIR:-target}/release" && pwd)
directory=${BENCH_DIR:-${CARGO_TARGET_DIR:-target}/bench}
mkdir -p "$directory" # not the system's temporary directory: that is often memory, where a sync costs nothing
work=$(mktemp -d "$(cd "$directory" && pwd)/gateway.XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
upstream=127.0.0.1:$(free_port)
proxy=127.0.0.1:$(free_port)
gateway=127.0.0.1:$(free_port)
console=127.0.0.1:$(free_port)

taskset -c 0 "$programs/traffic" upstream "$upstream" &

cat >"$work/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $work/nginx.pid; error_log $work/nginx.err;
events { worker_connections 2048; }
http {
  access_log off; client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u; scgi_temp_path $work/s;
  upstream provider { server $upstream; keepalive 512; }
  server { listen $proxy; keepalive_requests 100000000;
    location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header connection ""; proxy_buffering off; } }
}
CONF
taskset -c 1 nginx -c "$work/nginx.conf" &

tabellion() { "$programs/tabellion" "$@" --dir "$work/notary"; }
tabellion init >/dev/null 2>&1
printf '\n[upstream.bench]\nbase_url = "http://%s/v1"\nmodels = ["bench-1"]\n[probes]\nevery_minutes = "off"\n' "$upstream" >>"$work/notary/tabellion.toml"
TABELLION_GATEWAY__LISTEN=$gateway TABELLION_GATEWAY__THREADS=1 TABELLION_CONSOLE__LISTEN=$console \
  taskset -c 1 "$programs/tabellion" serve --dir "$work/notary" 2>"$work/serve.log" &
served=$!
until curl -fsS "http://$console/readyz" >/dev/null 2>&1; do sleep 0.1; done

link=$(tabellion person add Bench --role administrator 2>/dev/null | sed -n 's/.*link=//p')
api() { curl -fsS -X "$1" "http://$console/api/v1/$2" -H "authorization: Bearer $token" -H 'content-type: application/json' -d "$3"; }
token=
token=$(api POST session "{\"link\":\"$link\",\"for\":\"program\"}" | jq -r .token)
system=$(api POST systems '{"name":"Bench","purposes":["bench"]}' | jq -r .result.id)
api POST "systems/$system/stage" '{"stage":"live","reason":"measured"}' >/dev/null
api PUT policies/house '{"text":"permit(principal, action, resource);","note":"everything"}' >/dev/null
key=$(api POST "systems/$system/keys" '{"name":"bench"}' | jq -r .result.secret)
rss() { sed -n 's/^VmRSS:[[:space:]]*//p' "/proc/$served/status"; }
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
load() { taskset -c 0 "$programs/traffic" load "$1" --key "$key" --in-flight "$2" --seconds "${SECONDS_EACH:-3}" "${@:3}"; }
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
