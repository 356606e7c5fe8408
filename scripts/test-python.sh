#!/usr/bin/env bash
# The verifier and the client in Python: their own tests, in an environment that holds what they need and nothing else; the client's against the built program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh
. scripts/program.sh
python=$(python_venv verifier)/bin/python
cd sdk/python
"$python" -B -m unittest discover --quiet --start-directory tests --top-level-directory .
