#!/usr/bin/env bash
# The built program as the gateway that openai-client.sh tests: gateway.sh start|stop DIRECTORY
# `start` reads DIRECTORY/providers.env and writes DIRECTORY/gateway.env (scripts/peers/openai_client/settings.py says what is in it).
set -euo pipefail
command=$1
place=$(cd "$2" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/background.sh
program=$place/notary

if [ "$command" = stop ]; then
  background_stop "$place/gateway" "$program"
  exit
fi
. scripts/program.sh
rm -rf "$program"
set -a
# shellcheck source=/dev/null
. "$place/providers.env"
set +a
export PROVIDER_KEY=a-key-of-the-gateway # for the providers: they want one, any
tabellion init --dir "$program" --env sandbox >"$place/init.txt" 2>&1
python3 -B scripts/peers/gateway.py configure "$place" "$program"
background_start "$place/gateway" 40 "$program" python3 -B scripts/peers/gateway.py serve "$place" "$program" >"$place/control.url"
link=$(tabellion person add "Ada Lovelace" --role administrator --dir "$program" --json)
python3 -B scripts/peers/gateway.py enter "$place" "$program" "$link" >"$place/gateway.env"
printf 'PATH=%s\n' "$PATH" >>"$place/gateway.env"
