#!/usr/bin/env bash
# A real Presidio as a guard of the built program, up, killed and hanging, between a scripted provider and somebody who calls: presidio.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh

python=$(python_venv presidio)/bin/python
"$python" -B scripts/peers/presidio.py "$place"
