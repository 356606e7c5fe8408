#!/usr/bin/env bash
# The Rust, the JavaScript and the Python verifier on the same damaged files: agree.sh DIRECTORY [SEED]
set -euo pipefail
place=$(cd "$1" && pwd)
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh
python=$(python_venv verifier)/bin/python
"$python" -B scripts/peers/agree.py "$place" "$@"
