# shellcheck shell=bash
# Sourced by what measures the gateway: a provider that answers at once and clients on one core; on the other nginx as a plain reverse proxy and `tabellion serve`
# with one live system, one key and a rule that permits everything. Needs curl, jq and nginx. Gives $programs, $work (a directory on the disk
# measured, gone at the end), $upstream, $proxy, $gateway, $console, $served (the process), serve, rss and load.

cargo build --release --locked --quiet --workspace --bins # all at once: a part of them would have other features, and all be compiled anew
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
printf '\n[upstream.bench]\nbase_url = "http://%s/v1"\nmodels = ["bench-1", "bench-json", "bench-still-*"]\n[probes]\nevery_minutes = "off"\n' "$upstream" >>"$work/notary/tabellion.toml"
# serve: starts the program with the configuration as it stands now; $served is the process.
serve() {
  TABELLION_GATEWAY__LISTEN=$gateway TABELLION_GATEWAY__THREADS=1 TABELLION_CONSOLE__LISTEN=$console \
    taskset -c 1 "$programs/tabellion" serve --dir "$work/notary" 2>>"$work/serve.log" &
  served=$!
  until curl -fsS "http://$console/readyz" >/dev/null 2>&1; do
    kill -0 "$served" 2>/dev/null || {
      tail -5 "$work/serve.log" >&2
      return 1
    }
    sleep 0.1
  done
}
serve

link=$(tabellion person add Bench --role administrator 2>/dev/null | sed -n 's/.*link=//p')
api() { curl -fsS -X "$1" "http://$console/api/v1/$2" -H "authorization: Bearer $token" -H 'content-type: application/json' -d "$3"; }
token=
token=$(api POST session "{\"link\":\"$link\",\"for\":\"program\"}" | jq -r .token)
system=$(api POST systems '{"name":"Bench","purposes":["bench"]}' | jq -r .result.id)
api POST "systems/$system/stage" '{"stage":"live","reason":"measured"}' >/dev/null
api PUT policies/house '{"text":"permit(principal, action, resource);","note":"everything"}' >/dev/null
key=$(api POST "systems/$system/keys" '{"name":"bench"}' | jq -r .result.secret)
rss() { sed -n 's/^VmRSS:[[:space:]]*//p' "/proc/$served/status"; }
load() { taskset -c 0 "$programs/traffic" load "$1" --key "$key" --in-flight "$2" --seconds "${SECONDS_EACH:-3}" "${@:3}"; }
