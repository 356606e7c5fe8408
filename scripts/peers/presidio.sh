#!/usr/bin/env bash
# A real Presidio as a guard of the built program, up, killed and hanging; and the program in Presidio's place, beside its engines and under LiteLLM's client: presidio.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1/beside" "$1/litellm"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh

python=$(python_venv presidio)/bin/python
"$python" -B scripts/peers/presidio.py "$place"
"$python" -B scripts/peers/presidio_served.py "$place/beside"
litellm=$(python_venv litellm)/bin/python
LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_LOG=CRITICAL "$litellm" -B scripts/peers/presidio_litellm.py "$place/litellm"
