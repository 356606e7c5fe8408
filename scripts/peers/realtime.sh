#!/usr/bin/env bash
# The official OpenAI SDK holds a conversation in real time through the built program, with a provider whose socket others wrote: realtime.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh

"$(python_venv openai)/bin/python" -B scripts/peers/realtime.py "$place"
