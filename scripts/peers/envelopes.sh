#!/usr/bin/env bash
# Event envelopes: what others make we read, what we make others read, and what is broken nobody imports. envelopes.sh DIRECTORY (made anew)
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh
python=$(python_venv envelopes)/bin/python
"$python" -B scripts/peers/envelopes.py "$place"
