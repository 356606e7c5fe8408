#!/usr/bin/env bash
# Runs the commands of the README's five minutes with the gateway, as printed there but on ports that are free: tutorial.sh DIRECTORY
# Says that it was left out where there is no real model.
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh
. scripts/left-out.sh

model=$PWD/examples/local-model/local-model.sh
UNAVAILABLE=69 # of local-model.sh: it cannot be had here
ensure_command jq jq
ensure_command curl curl
client=$(python_venv openai)
commands=$(scripts/readme-commands.sh "Five minutes with the gateway")
for port in 8087 8088 8089; do
  free=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  commands=${commands//127.0.0.1:$port/127.0.0.1:$free}
  case $port in
  8087) export TABELLION_CONSOLE__LISTEN=127.0.0.1:$free ;;
  8088) export TABELLION_GATEWAY__LISTEN=127.0.0.1:$free ;;
  8089) model_port=$free ;;
  esac
done

trap '"$model" stop "$place/model"' EXIT
status=0
"$model" start "$place/model" "$model_port" || status=$?
if [ "$status" -eq "$UNAVAILABLE" ]; then
  left_out "the README's five minutes with the gateway: the model of examples/local-model cannot be had here"
  exit
fi
[ "$status" -eq 0 ] || exit "$status"
mkdir "$place/empty"
cd "$place/empty"
# The commands end their server themselves, when they come to their end.
# shellcheck disable=SC2016 # they expand it themselves
stop='trap "kill \$(jobs -p) 2>/dev/null || true" EXIT'
PATH=$client/bin:$PATH bash -euo pipefail -c "$stop"$'\n'"$commands" 2>"$place/log.txt" || {
  cat "$place/log.txt" >&2
  exit 1
}
