#!/usr/bin/env bash
# The built program in front of a provider that others wrote, llm-katan, with the interfaces of five vendors and each one's own key: passthrough.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh

python=$(python_venv llm-katan)/bin/python
"$python" -B scripts/peers/passthrough.py "$place"
