#!/usr/bin/env bash
# The Rust and the JavaScript verifier on the same damaged files: agree.sh DIRECTORY [SEED]
set -euo pipefail
place=$(cd "$1" && pwd)
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/program.sh
python3 -B scripts/peers/agree.py "$place" "$@"
