#!/usr/bin/env bash
# Measures the gateway beside gateways of others, TensorZero, Portkey and LiteLLM, each without its own logging, in turns: provider and clients on one core, the gateway
# measured alone on the other, each at the number of calls in flight at which it does best. Reports, never judges. docs/benchmarks.md says
# how to read it. ROUNDS (3), SECONDS_EACH (5), IN_FLIGHT ("16 64 256 512"), BENCH_DIR: the disk to measure. Needs Linux on x86-64.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh

ensure_command curl curl
ensure_command jq jq
ensure_command nginx nginx-light
python=$(python_venv gateways)/bin/python
npm ci --prefix scripts/gateways --ignore-scripts --no-audit --no-fund --loglevel=error >&2
. scripts/bench-notary.sh


portkey=127.0.0.1:$(free_port) litellm=127.0.0.1:$(free_port)

cat >"$work/tensorzero.toml" <<TOML
gateway.observability.enabled = false
[models.bench-1]
routing = ["bench"]
[models.bench-1.providers.bench]
type = "openai"
model_name = "bench-1"
api_base = "http://$upstream/v1/"
api_key_location = "none"
TOML
cat >"$work/litellm.yaml" <<YAML
model_list:
  - model_name: bench-1
    litellm_params: {model: openai/bench-1, api_base: "http://$upstream/v1", api_key: none}
litellm_settings: {callbacks: [], num_retries: 0, request_timeout: 60, telemetry: false}
YAML
taskset -c 1 "$python" scripts/gateways/start_tensorzero.py "$work/tensorzero.toml" >"$work/tensorzero.log" 2>&1 &
TRUSTED_CUSTOM_HOSTS=127.0.0.1,localhost NODE_ENV=production NODE_OPTIONS="--require $PWD/scripts/gateways/loopback.cjs" \
  taskset -c 1 node scripts/gateways/node_modules/@portkey-ai/gateway/build/start-server.js "--port=${portkey##*:}" --headless >"$work/portkey.log" 2>&1 &
LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY=true LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_LOG=ERROR DISABLE_ADMIN_UI=true \
  taskset -c 1 "$(dirname "$python")/litellm" --config "$work/litellm.yaml" --host 127.0.0.1 --port "${litellm##*:}" --num_workers 1 --telemetry False >"$work/litellm.log" 2>&1 &

# It listens where it likes, and says where.
for _ in $(seq 300); do
  tensorzero=$(sed -n 's|^http://\([0-9.:]*\)/.*|\1|p' "$work/tensorzero.log")
  [ -z "$tensorzero" ] || break
  read -rt 0.2 <> <(:) || true
done

# ask NAME IN_FLIGHT [OPTIONS]: one measurement, as `traffic load` prints it; `- - -` where the gateway gives no good answer.
ask() {
  local name=$1 in_flight=$2
  shift 2
  case $name in
    nginx) load "$proxy" "$in_flight" "$@" ;;
    tabellion) load "$gateway" "$in_flight" "$@" ;;
    tensorzero) load "$tensorzero" "$in_flight" --path /openai/v1/chat/completions --model tensorzero::model_name::bench-1 "$@" ;;
    portkey) load "$portkey" "$in_flight" --header "x-portkey-provider: openai" --header "x-portkey-custom-host: http://$upstream/v1" "$@" ;;
    litellm) load "$litellm" "$in_flight" "$@" ;;
  esac 2>>"$work/failures.log" || printf -- '- - -\n'
}
for name in tensorzero portkey litellm; do
  for _ in $(seq 300); do
    [ "$(SECONDS_EACH=1 ask "$name" 1)" = "- - -" ] || break
    read -rt 0.2 <> <(:) || true
  done
done
: >"$work/failures.log"

printf '\n| answer | gateway | best in flight | answers/s | p50 / p99 ms there | ours over it |\n|---|---|---|---|---|---|\n'
for kind in whole stream; do
  options=()
  [ "$kind" = whole ] || options=(--stream)
  for round in $(seq "${ROUNDS:-3}"); do
    for in_flight in ${IN_FLIGHT:-16 64 256 512}; do
      for name in nginx tabellion tensorzero portkey litellm; do
        printf '%s %s %s %s\n' "$name" "$in_flight" "$round" "$(ask "$name" "$in_flight" "${options[@]}")"
      done
    done
  done >"$work/$kind.txt"
  python3 scripts/gateways/table.py "$kind" "$work/$kind.txt"
done
printf '\nfdatasync of 4 KiB, p50 and p99 ms: %s\n' "$("$programs/traffic" probe "$work")"
if [ -s "$work/failures.log" ]; then
  printf '\nwhat was answered instead (first lines):\n'
  cut -c1-300 "$work/failures.log" | sort | uniq -c | sort -rn | head -8
fi
