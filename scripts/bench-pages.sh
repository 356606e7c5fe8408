#!/usr/bin/env bash
# Times every page of the console, and the API's lists, over a large data directory as `views make` leaves it. Reports, never judges.
# docs/benchmarks.md says how to read it. Usage: scripts/bench-pages.sh DIRECTORY; ROUNDS (9): requests of each, the first counted apart.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh

directory=${1:?which data directory? one that target/release/views make has made}
ensure_command curl curl
ensure_command jq jq
program=${TABELLION:-$(cd "${CARGO_TARGET_DIR:-target}/release" && pwd)/tabellion}
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
console=127.0.0.1:$port
TABELLION_CONSOLE__LISTEN=$console "$program" serve --dir "$directory" 2>"$work/serve.log" &
served=$!
until curl -fsS "http://$console/readyz" >/dev/null 2>&1; do
  kill -0 "$served" || { cat "$work/serve.log" >&2; exit 1; }
  sleep 0.2
done
link=$("$program" person add Bench --role administrator --role compliance-officer --role approver --role business-owner \
  --dir "$directory" 2>/dev/null | sed -n 's/.*link=//p')
curl -fsS -o "$work/session" -c "$work/cookies" -X POST "http://$console/api/v1/session" -H 'content-type: application/json' \
  -d "{\"link\":\"$link\",\"for\":\"browser\"}"

get() { curl -fsS -b "$work/cookies" "http://$console$1"; }
first() { get "$1" | jq -r "$2"; }
call=$(first '/api/v1/calls?limit=1' '.calls[0].id')
system=$(first /api/v1/systems '.systems[0].id')
key=$(first "/api/v1/systems/$system/keys" '.keys[0].id')
person=$(first /api/v1/people '.people[-1].id')
item=$(first '/api/v1/registers/impact_assessment/items?limit=1' '.items[0].id')
middle=$(( $(first '/api/v1/entries?limit=1' '.entries[0].index') / 2 ))
day=$(date -u -d '10 days ago' +%F)
register=/registers/impact_assessment

pages="
/ /inbox /search?q=loan
/calls /calls?state=denied /calls?state=open /calls?state=broken /calls?outcome=failed /calls?outcome=cut /calls?code=purpose_not_allowed
/calls?system=$system /calls?model=model-3-2026-02 /calls?purpose=translation /calls?from=$day /calls?q=transl /calls?q=xyzzy /calls?before=2000
/calls/$call
/systems /systems?stage=live /systems?q=loan /systems/$system /systems/new
/keys /keys/$key /keys/new /policies /policies/house /people /people/$person
/registers $register $register?q=assessment+99 $register?state=current $register?standing=in_review $register?sort=name $register?sort=due
$register?page=150 $register?system=$system $register/$item $register/$item/history $register/$item/edit /registers/ai_system
/soa /soa/A.5.2 /controls /controls/8.4 /controls/A.5.2
/packages /ledger /ledger?type=package.exported /ledger?type=soa.decided /ledger?before=2000 /ledger?system=$system /ledger/$middle
/settings
/api/v1/calls /api/v1/calls?q=xyzzy /api/v1/systems /api/v1/registers/impact_assessment/items /api/v1/inbox /api/v1/inventory-gaps
/api/v1/controls /api/v1/controls/8.4 /api/v1/soa /api/v1/entries /api/v1/entries?type=package.exported /api/v1/entries/$middle/receipt
$(get /calls | grep -oE '(src|href)="[^"]+[.](js|css|svg)[^"]*"' | cut -d'"' -f2 | sort -u)
"
printf '| page | status | first ms | p50 ms | p95 ms | kB |\n|---|---|---|---|---|---|\n'
for page in $pages; do
  for _ in $(seq "${ROUNDS:-9}"); do
    curl -sS -b "$work/cookies" -o "$work/body" -w '%{http_code} %{time_starttransfer} %{size_download}\n' "http://$console$page"
  done | awk -v page="$page" '{ code = $1; size = $3; if (NR == 1) first = $2; else time[NR - 1] = $2 }
    END { n = asort_(time, NR - 1); printf "| `%s` | %s | %.1f | %.1f | %.1f | %.0f |\n", page, code, first * 1e3, time[int((n + 1) / 2)] * 1e3, time[n] * 1e3, size / 1e3 }
    function asort_(a, n,  i, j, t) { for (i = 2; i <= n; i++) for (j = i; j > 1 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t } return n }' |
    sed -E 's/[0-9a-f]{32}/…/g'
done
