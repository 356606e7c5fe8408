#!/usr/bin/env bash
# A second client of C2SP tlog-tiles reads a public log over HTTP and computes its root. tiles.sh DIRECTORY (made anew)
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh

ensure_command curl curl
log=$place/log
tabellion init --dir "$log" --origin tiles.example/log/public >"$place/init.txt" 2>&1
mkdir "$place/files"
for n in $(seq 600); do echo "$n" >"$place/files/$n.txt"; done
tabellion record "$place"/files/*.txt --dir "$log" >"$place/record.txt"
listen=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
TABELLION_CONSOLE__LISTEN=$listen TABELLION_LOG__PUBLIC=true tabellion serve --dir "$log" 2>"$place/serve.txt" &
trap 'kill %1 2>/dev/null || true; wait' EXIT
until curl -fsS "http://$listen/readyz" >/dev/null 2>&1; do
  kill -0 %1 || { cat "$place/serve.txt" >&2; exit 1; }
  sleep 0.05
done
python3 -B scripts/peers/tiles.py "http://$listen/log/public"
