#!/usr/bin/env bash
# The verifier in Python: its own tests, in an environment that holds what it needs and nothing else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh
python=$(python_venv verifier)/bin/python
cd sdk/python
"$python" -B -m unittest discover --quiet --start-directory tests --top-level-directory .
