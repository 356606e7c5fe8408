#!/usr/bin/env bash
# Our Arweave anchor against a network that others wrote (arlocal) and a bundler made of what bundlers use (arbundles): what we upload is taken, bundled, put into
# a block whose every item arbundles checks, and read back from the network itself: arweave.sh DIRECTORY (made anew)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/program.sh
npm ci --prefix scripts/peers/arweave --ignore-scripts --no-audit --no-fund --loglevel=error >&2
modules=$PWD/scripts/peers/arweave/node_modules

place=$1
rm -rf "$place"
mkdir -p "$place"
place=$(cd "$place" && pwd)
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
network=http://127.0.0.1:$port
(cd "$place" && exec node "$modules/arlocal/bin/index.js" "$port" --hidelogs --dbpath=db) >"$place/arlocal.out" 2>&1 &
curl -sS --retry 60 --retry-connrefused --retry-delay 1 "$network/info" >/dev/null 2>&1
node scripts/peers/arweave/bundler.mjs "$network" >"$place/bundler.out" 2>"$place/bundler.err" &
for _ in $(seq 600); do
  [ -s "$place/bundler.out" ] && break
  read -rt 0.1 <> <(:) || true
done
bundler=$(head -n 1 "$place/bundler.out")

tabellion anchor key --out "$place/anchor.key" >/dev/null
tabellion init --dir "$place/log" --origin peers.example/log/arweave >/dev/null
cat >>"$place/log/tabellion.toml" <<TOML
[anchor.arweave]
kind = "arweave"
url = "$bundler/tx/solana"
gateway_url = "$bundler"
key_file = "$place/anchor.key"
ask_again_seconds = 0
TOML
echo '{"title":"Model card"}' >"$place/one.json"
tabellion record "$place/one.json" --dir "$place/log" >/dev/null
tabellion anchor now --wait 0 --dir "$place/log" >"$place/now.txt" || true
state() { tabellion anchor list --dir "$place/log" --json | python3 -c 'import json, sys
print([json.loads(line) for line in sys.stdin][-1][sys.argv[1]])' "$1"; }
[ "$(state state)" = pending ] || { echo "$0: uploaded and $(state state), not pending" >&2; cat "$place/bundler.err" >&2; exit 1; }
curl -sS -X POST "$bundler/mine" >/dev/null
tabellion anchor now --wait 20 --dir "$place/log" >"$place/now.txt"
[ "$(state state)" = confirmed ] || { echo "$0: published and $(state state)" >&2; exit 1; }

# Read back from the network, not from the bundler, and held against the checkpoint by others' code.
evidence=$place/log/$(state evidence)
python3 -c 'import hashlib, json, sys
text = json.load(open(sys.argv[1]))["checkpoint"]
print(hashlib.sha256("".join(line + "\n" for line in text.split("\n")[:3]).encode()).hexdigest())' "${evidence%.*}.json" >"$place/digest"
node scripts/peers/arweave/served.mjs "$evidence" "$(cat "$place/digest")" "$network"
