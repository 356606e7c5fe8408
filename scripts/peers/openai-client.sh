#!/usr/bin/env bash
# The official OpenAI SDKs for Python and Node against a gateway, or without one against the providers themselves: openai-client.sh DIRECTORY [TEST…]
#
# Starts the providers: llm-katan's echo, the real model of examples/local-model, and one that replays recorded bytes. Then
#   GATEWAY=program   runs `program start DIRECTORY`, which reads DIRECTORY/providers.env, starts a gateway in front of them and writes
#                     DIRECTORY/gateway.env (what must be in it: scripts/peers/openai_client/settings.py), and in the end
#                     `program stop DIRECTORY`
#   without it        the SDK talks to each provider directly: shows that what a test expects is what providers do. Tests of what
#                     only a gateway does say that they were left out
# TEST: as unittest names them, `test_chat` or `test_chat.Chat.test_a_stream`, in Python alone; otherwise all of both.
set -euo pipefail
mkdir -p "$1"
place=$(cd "$1" && pwd)
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/background.sh
. scripts/left-out.sh

katan=scripts/peers/llm_katan.py
model=examples/local-model/local-model.sh
UNAVAILABLE=69 # of local-model.sh: it cannot be had here; what was not tried is said in a line of its own
client=$(python_venv openai)
server=$(python_venv llm-katan)

finish() {
  [ -z "${GATEWAY:-}" ] || "$GATEWAY" stop "$place"
  background_stop "$place/llm-katan" "$katan"
  "$model" stop "$place/local-model"
}
trap finish EXIT

status=0
real=$("$model" start "$place/local-model") || status=$?
[ "$status" -eq 0 ] || [ "$status" -eq "$UNAVAILABLE" ] || exit "$status"
[ "$status" -eq 0 ] || left_out "the SDK's story on a real model (test_real_model): the model of examples/local-model cannot be had here"
echo=$(background_start "$place/llm-katan" 40 "$katan" "$server/bin/python" -B "$katan" "$place/llm-katan")
free_port='import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
cat >"$place/providers.env" <<END
ECHO_URL=$echo
REAL_URL=$real
REPLAY_URL=http://127.0.0.1:$(python3 -c "$free_port")/v1
END

set -a
# shellcheck source=/dev/null
. "$place/providers.env"
if [ -n "${GATEWAY:-}" ]; then
  "$GATEWAY" start "$place"
  # shellcheck source=/dev/null
  . "$place/gateway.env"
fi
set +a
tests=("$@")
[ "$#" -gt 0 ] || tests=(discover)
(cd scripts/peers/openai_client && "$client/bin/python" -B -m unittest "${tests[@]}" --verbose)
[ "$#" -eq 0 ] || exit 0
# The library for Node, against the same. One file after the other: each plays the provider that replays.
npm ci --prefix scripts/peers/openai_node --ignore-scripts --no-audit --no-fund --loglevel=error >&2
node --test --test-concurrency=1 scripts/peers/openai_node/*.test.mjs
