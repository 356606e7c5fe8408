#!/usr/bin/env bash
# Anchors against others' programs, with the built program: anchors.sh DIRECTORY (made anew)
#   rfc3161         an authority out of openssl; openssl ts -verify reads what is kept
#   opentimestamps  stand-ins for two calendars and a Bitcoin node (none runs here); the reference implementation reads the proof, and its client verifies it
#   arweave         a stand-in for an upload service; arbundles verifies the data item
#   evm             anvil, a chain of its own; the evidence is checked against its block's hash
# Then a package of the log, whose anchors tabellion verify checks with a trust file that names authority and block.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/program.sh
. scripts/install.sh
ensure_command openssl openssl
environment=$(python_venv anchors)
python=$environment/bin/python
npm ci --prefix scripts/peers/anchors --ignore-scripts --no-audit --no-fund --loglevel=error >&2
modules=$PWD/scripts/peers/anchors/node_modules

place=$1
rm -rf "$place"
mkdir -p "$place"
place=$(cd "$place" && pwd)
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT

listen() { # NAME COMMAND…: starts it and gives the first line that it says
  local name=$1
  shift
  "$@" >"$place/$name.out" 2>&1 &
  for _ in $(seq 200); do
    [ -s "$place/$name.out" ] && break
    read -rt 0.05 <> <(:) || true
  done
  url=$(head -n 1 "$place/$name.out")
}

scripts/peers/tsa.sh "$place/tsa"
mkdir "$place/calendar" "$place/second" "$place/arweave"
listen tsa python3 -B scripts/peers/tsa.py "$place/tsa"
tsa=$url
listen calendar python3 -B scripts/peers/ots_calendar.py "$place/calendar"
calendar=$url
listen second python3 -B scripts/peers/ots_calendar.py "$place/second" 900001
second=$url
listen arweave python3 -B scripts/peers/arweave_stand_in.py "$place/arweave"
arweave=$url
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
tabellion anchor key --out "$place/anchor.key" >"$place/key.txt"
address=$(sed -n 's/^evm address //p' "$place/key.txt")
listen anvil "$modules/@foundry-rs/anvil-linux-amd64/bin/anvil" --port "$port"
rpc() { curl -sS --retry 20 --retry-connrefused --retry-delay 1 -H content-type:application/json -d "$1" "http://127.0.0.1:$port"; }
rpc "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"anvil_setBalance\",\"params\":[\"$address\",\"0xde0b6b3a7640000\"]}" >/dev/null

tabellion init --dir "$place/log" --origin peers.example/log/anchors >"$place/init.txt"
cat >>"$place/log/tabellion.toml" <<TOML
[anchor.stamps]
kind = "rfc3161"
url = "$tsa"
root_file = "$place/tsa/ca.pem"
[anchor.calendar]
kind = "opentimestamps"
url = "$calendar"
ask_again_seconds = 0
[anchor.calendars]
kind = "opentimestamps"
url = "http://127.0.0.1:9"
more_urls = ["$second", "$calendar"]
ask_again_seconds = 0
[anchor.arweave]
kind = "arweave"
url = "$arweave/tx/solana"
gateway_url = "$arweave"
key_file = "$place/anchor.key"
ask_again_seconds = 0
[anchor.chain]
kind = "evm"
url = "http://127.0.0.1:$port"
chain_id = 31337
key_file = "$place/anchor.key"
confirmations = 0
ask_again_seconds = 0
TOML
echo '{"title":"Model card"}' >"$place/one.json"
tabellion record "$place/one.json" --dir "$place/log" >/dev/null
touch "$place/calendar/block" "$place/second/block" "$place/arweave/published"
tabellion anchor now --dir "$place/log" >"$place/now.txt"
# What takes time is asked for again by whoever holds the log next.
for _ in 1 2; do tabellion anchor now --dir "$place/log" >"$place/now.txt"; done
tabellion anchor list --dir "$place/log" --json >"$place/jobs.jsonl"

field() { python3 -c 'import json, sys
jobs = [json.loads(line) for line in open(sys.argv[1])]
job = next(job for job in jobs if job["anchor"] == sys.argv[2] and job["state"] == "confirmed")
print(job[sys.argv[3]])' "$place/jobs.jsonl" "$1" "$2"; }
body_of() { python3 -c 'import json, sys
text = json.load(open(sys.argv[1]))["checkpoint"]
open(sys.argv[2], "w").write("".join(line + "\n" for line in text.split("\n")[:3]))' "$place/log/$(field "$1" evidence | sed 's/\.[a-z0-9]*$/.json/')" "$place/$1.body"; }
for name in stamps calendar calendars arweave chain; do
  body_of "$name"
  sha256sum "$place/$name.body" | cut -d ' ' -f 1 >"$place/$name.digest"
done

openssl ts -verify -in "$place/log/$(field stamps evidence)" -data "$place/stamps.body" -CAfile "$place/tsa/ca.pem" 2>&1 | grep -x 'Verification: OK'
"$python" -B scripts/peers/anchors/ots.py "$place/log/$(field calendar evidence)" "$(cat "$place/calendar.digest")" "$(cat "$place/calendar/header")"
# As an auditor has it, with the client alone: the proof of one calendar, and one that two calendars have a part in. No cache and no upgrade: from these files.
client() { "$environment/bin/ots" --no-cache --bitcoin-node "$node" verify -f "$1" "$2" 2>&1; }
"$environment/bin/ots" info "$place/log/$(field calendars evidence)" >"$place/calendars.info"
grep -q "File sha256 hash: $(cat "$place/calendars.digest")" "$place/calendars.info"
grep -q "PendingAttestation('$calendar')" "$place/calendars.info" # the promise of the other calendar stands beside it
for one in calendar/calendar/900000 second/calendars/900001; do
  IFS=/ read -r from name height <<<"$one"
  listen "node-$name" "$python" -B scripts/peers/anchors/bitcoin_node.py "$(cat "$place/$from/header")" "$height"
  node=$url
  client "$place/$name.body" "$place/log/$(field "$name" evidence)" | grep "^Success! Bitcoin block $height"
  { cat "$place/$name.body" && echo x; } >"$place/$name.other"
  if client "$place/$name.other" "$place/log/$(field "$name" evidence)"; then
    echo "$0: opentimestamps-client takes the proof for one of another checkpoint" >&2
    exit 1
  fi
done
# Another block of that height is not the one that the proof leads to.
listen node-other "$python" -B scripts/peers/anchors/bitcoin_node.py "$(cat "$place/second/header")" 900000
node=$url
client "$place/calendar.body" "$place/log/$(field calendar evidence)" >"$place/other.txt" || true
grep -q '^Bitcoin verification failed' "$place/other.txt"
node scripts/peers/anchors/item.mjs "$place/log/$(field arweave evidence)" "$(cat "$place/arweave.digest")"
field chain checked

tabellion record "$place/one.json" --dir "$place/log" --type document.captured >/dev/null || true
tabellion export --dir "$place/log" --out "$place/anchored.zip" >/dev/null
cp "$place/log/trust.txt" "$place/trust.txt"
tabellion anchor trust --dir "$place/log" >>"$place/trust.txt"
block=$(field chain checked | sed -E 's/^in block ([0-9]+) of chain ([0-9]+), hash ([0-9a-f]+):.*/\2 \1 \3/')
printf '#! evm %s\n#! bitcoin 900000 %s\n#! bitcoin 900001 %s\n' "$block" "$(cat "$place/calendar/header")" "$(cat "$place/second/header")" >>"$place/trust.txt"
tabellion verify "$place/anchored.zip" --trust "$place/trust.txt" --json >"$place/report.json"
python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
check = next(check for check in report["checks"] if check["name"] == "anchors")
assert check["outcome"] == "holds", check
assert report["facts"]["time_bounds"][0]["not_after"], report["facts"]["time_bounds"]
print("tabellion verify:", check["detail"])' "$place/report.json"
