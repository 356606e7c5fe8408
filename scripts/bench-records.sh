#!/usr/bin/env bash
# Measures records over HTTP: events of 1 KiB with an idempotency key each, one a request and 32 a request, durable, each answered with its proof and the
# signed checkpoint; program and clients share all cores. Beside each row a bare fdatasync of the same minute. Reports, never judges. docs/benchmarks.md
# says how to read it. ROUNDS (3), SECONDS_EACH (5), IN_FLIGHT ("1 64 128"), BENCH_DIR: the disk to measure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh

ensure_command curl curl
ensure_command jq jq
cargo build --release --locked --quiet --workspace --bins # all at once: a part of them would have other features, and all be compiled anew
programs=$(cd "${CARGO_TARGET_DIR:-target}/release" && pwd)
directory=${BENCH_DIR:-${CARGO_TARGET_DIR:-target}/bench}
mkdir -p "$directory" # not the system's temporary directory: that is often memory, where a sync costs nothing
work=$(mktemp -d "$(cd "$directory" && pwd)/records.XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
gateway=127.0.0.1:$(free_port)
console=127.0.0.1:$(free_port)
tabellion() { "$programs/tabellion" "$@" --dir "$work/notary"; }
tabellion init >/dev/null 2>&1
TABELLION_GATEWAY__LISTEN=$gateway TABELLION_CONSOLE__LISTEN=$console \
  "$programs/tabellion" serve --dir "$work/notary" 2>"$work/serve.log" &
served=$!
until curl -fsS "http://$console/readyz" >/dev/null 2>&1; do sleep 0.1; done

link=$(tabellion person add Bench --role administrator 2>/dev/null | sed -n 's/.*link=//p')
api() { curl -fsS -X "$1" "http://$console/api/v1/$2" -H "authorization: Bearer $token" -H 'content-type: application/json' -d "$3"; }
token=
token=$(api POST session "{\"link\":\"$link\",\"for\":\"program\"}" | jq -r .token)
system=$(api POST systems '{"name":"Bench","purposes":["bench"]}' | jq -r .result.id)
key=$(api POST "systems/$system/keys" '{"name":"bench"}' | jq -r .result.secret)

# Processor time of the program's threads so far, in milliseconds, by the thread's name.
threads() {
  for task in /proc/"$served"/task/*; do
    printf '%s %s\n' "$(tr ' ' '-' <"$task/comm" 2>/dev/null)" "$(cut -d' ' -f1 "$task/schedstat" 2>/dev/null)"
  done | awk 'NF == 2 { ns[$1] += $2 } END { for (name in ns) printf "%s %d\n", name, ns[name] / 1000 }' | sort
}

printf '%s; load average %s\n\n' "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -1)" "$(cut -d' ' -f1 /proc/loadavg)"
printf '| records a request | in flight | requests/s | records/s | answer p50 / p99 ms | fdatasync p50 / p99 ms | ratio p50 / p99 |\n|---|---|---|---|---|---|---|\n'
for batch in 1 32; do
  for in_flight in ${IN_FLIGHT:-1 64 128}; do
    for _ in $(seq "${ROUNDS:-3}"); do
      probe=$("$programs/traffic" probe "$work")
      threads >"$work/before"
      load=$("$programs/traffic" records "$console" --key "$key" --in-flight "$in_flight" --seconds "${SECONDS_EACH:-5}" --batch "$batch")
      threads >"$work/after"
      printf '%s %s %s %s\n' "$batch" "$in_flight" "$load" "$probe"
      join "$work/before" "$work/after" | awk -v answers="${load%% *}" -v seconds="${SECONDS_EACH:-5}" '
        { printf "%s %.1f  ", $1, ($3 - $2) / (answers * (seconds + 0.5)) } END { print "" }' >>"$work/threads-$batch-$in_flight"
    done | sort -n -k3 | awk -v rounds="${ROUNDS:-3}" 'NR == int(rounds / 2) + 1 {
      printf "| %d | %d | %d | %d | %.2f / %.2f | %.2f / %.2f | %.1f / %.1f |\n", $1, $2, $3, $1 * $3, $4, $5, $6, $7, $4 / $6, $5 / $7 }'
  done
done
printf '\nmicroseconds of processor a request, by thread, each round:\n'
for batch in 1 32; do
  for in_flight in ${IN_FLIGHT:-1 64 128}; do
    printf '%s a request, %s in flight: %s\n' "$batch" "$in_flight" "$(tail -1 "$work/threads-$batch-$in_flight")"
  done
done
printf 'memory at the end: %s\n' "$(sed -n 's/^VmRSS:[[:space:]]*//p' "/proc/$served/status")"
