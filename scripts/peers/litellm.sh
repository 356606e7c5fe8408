#!/usr/bin/env bash
# One guardrail in LiteLLM's generic form, asked by LiteLLM's own client and by the built program: litellm.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh

python=$(python_venv litellm)/bin/python
# Without the first LiteLLM asks the network for prices when it is loaded; without the second it tells of every refusal that is wanted here.
LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_LOG=CRITICAL "$python" -B scripts/peers/litellm_client.py "$place"
