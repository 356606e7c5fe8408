#!/usr/bin/env bash
# An issuer that knows nothing of ours signs statements with Python's own means, posts them to the running program, and checks what comes back with an
# independent SCITT implementation. scitt.sh DIRECTORY (made anew)
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh

ensure_command jq jq
ensure_command curl curl
ensure_command openssl openssl
peers=$(python_venv peers)
log=$place/log
tabellion init --dir "$log" --origin scitt.example/log/one >"$place/init.txt" 2>&1
for kind in ed25519 p256; do
  if [ "$kind" = p256 ]; then options=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256); else options=(-algorithm ed25519); fi
  openssl genpkey "${options[@]}" -out "$place/$kind.pem"
  openssl pkey -in "$place/$kind.pem" -pubout -out "$place/$kind.pub.pem"
done
listen=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
TABELLION_CONSOLE__LISTEN=$listen tabellion serve --dir "$log" 2>"$place/serve.txt" &
trap 'kill %1 2>/dev/null || true; wait' EXIT
until curl -fsS "http://$listen/readyz" >/dev/null 2>&1; do
  kill -0 %1 || { cat "$place/serve.txt" >&2; exit 1; }
  sleep 0.05
done
link=$(tabellion person add "Ada Lovelace" --role administrator --dir "$log" 2>/dev/null | sed -n 's/.*link=//p')
token=$(curl -fsS "http://$listen/api/v1/session" -H 'content-type: application/json' -d "{\"link\":\"$link\",\"for\":\"program\"}" | jq -er .token)
for kind in ed25519 p256; do
  tabellion issuer add "https://$kind.vendor.example" --key "$place/$kind.pub.pem" --kid "$(printf %s "$kind" | od -An -tx1 | tr -d ' \n')" \
    --note "made by this script" --dir "$log" >>"$place/issuers.txt"
done
"$peers/bin/python" -B scripts/peers/scitt.py "http://$listen" "$token" "$place"

# A large file, stated and registered from the command line; what comes back is read by the same independent code and by ours.
head -c 5000000 /dev/zero >"$place/weights.bin"
tabellion statement hash "$place/weights.bin" --issuer ml.example --subject "model 7" --media-type application/octet-stream --dir "$log" >"$place/hash.txt"
python3 - "$log" "$place/actor.pem" <<'PY'
import base64, json, sys
from pathlib import Path
[file] = [one for one in Path(sys.argv[1], "keys").glob("actor-*.key")]
public = base64.b64decode(json.loads(file.read_text())["public"])
body = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + public).decode()
Path(sys.argv[2]).write_text(f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
PY
tabellion issuer add ml.example --key "$place/actor.pem" --note "our own" --dir "$log" >>"$place/issuers.txt"
tabellion statement register "$place/weights.bin.cose" --dir "$log" --json >"$place/registered.json"
index=$(jq -er .index "$place/registered.json")
tabellion statement check "$place/weights.bin.cose" "$place/weights.bin" >"$place/check.txt"
tabellion log prove "$index" --format transparent --dir "$log" --out "$place/weights.transparent"
tabellion verify "$place/weights.transparent" --trust "$log/trust.txt" >"$place/verify.txt"
"$peers/bin/python" -B scripts/peers/scitt.py --artefact "http://$listen" "$place/weights.bin" "$place/actor.pem" "$place/weights.transparent"
kill %1
wait
tabellion fsck "$log" >"$place/fsck.txt" 2>&1 || { cat "$place/fsck.txt" >&2; exit 1; }
