#!/usr/bin/env bash
# The commands of docs/shards.md, as they are printed there: two logs under a root log. shards.sh DIRECTORY (made anew)
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh

ensure_command curl curl
ensure_command jq jq
commands=$(awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' docs/shards.md)
ROOT_LISTEN=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export ROOT_LISTEN
cd "$place"
# shellcheck disable=SC2016 # what stands in quotes is for the other shell
printf 'set -euo pipefail\ntrap '\''kill $(jobs -p) 2>/dev/null || true; wait'\'' EXIT\n%s\n' "$commands" >commands.sh
bash commands.sh >said.txt 2>errors.txt || { cat said.txt errors.txt >&2; exit 1; }
for wanted in 'notary.example/log/acme are taken as shard' 'notary.example/log/beta are taken as shard' 'of them compared with the shard'; do
  grep -q "$wanted" said.txt || { echo "the commands did not say: $wanted" >&2; cat said.txt >&2; exit 1; }
done
if grep -q 'contradiction' said.txt; then cat said.txt >&2; exit 1; fi
echo "docs/shards.md: its commands do what it says"
