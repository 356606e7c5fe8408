#!/usr/bin/env bash
# The official Anthropic SDK begins batches and sends files through the built program, with a provider made after Anthropic's public description: message_batches.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh

"$(python_venv openai)/bin/python" -B scripts/peers/message_batches.py "$place"
