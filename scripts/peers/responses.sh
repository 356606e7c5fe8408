#!/usr/bin/env bash
# The official OpenAI SDK through the built program at providers that others wrote and that have `/v1/responses` and `/v1/embeddings`: llama.cpp's server with a
# real model, and LiteLLM in front of llm-katan: responses.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/background.sh
. scripts/program.sh

katan=scripts/peers/llm_katan.py
litellm=scripts/peers/litellm_proxy.py
model=examples/local-model/serve.py
READY_SECONDS=150 # more than each gives itself
client=$(python_venv openai)
echoes=$(python_venv llm-katan)
gateways=$(python_venv gateways)
real=$(python_venv local-model)

finish() {
  background_stop "$place/litellm" "$litellm"
  background_stop "$place/llm-katan" "$katan"
  background_stop "$place/local-model" "$model"
}
trap finish EXIT

export LITELLM_KEY=sk-a-key-of-the-gateway
export REAL_URL ECHO_URL
mkdir "$place/llm-katan" "$place/litellm"
echo=$(background_start "$place/llm-katan" "$READY_SECONDS" "$katan" "$echoes/bin/python" -B "$katan" "$place/llm-katan")
ECHO_URL=$(background_start "$place/litellm" "$READY_SECONDS" "$litellm" "$gateways/bin/python" -B "$litellm" "$place/litellm" "$LITELLM_KEY" "$echo")
REAL_URL=$(background_start "$place/local-model" "$READY_SECONDS" "$model" "$real/bin/python" -B "$model" 0 embeddings)
"$client/bin/python" -B scripts/peers/responses.py "$place"
