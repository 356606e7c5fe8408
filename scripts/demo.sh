#!/usr/bin/env bash
# A governed assistant on this machine, in ./demo: a real, small model behind the gateway, an erasure, an evidence package, and who
# believes it why. Run again, it goes on with the same log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/program.sh

model=examples/local-model/local-model.sh
place=${CARGO_TARGET_DIR:-target}/local-model
UNAVAILABLE=69 # of local-model.sh: it cannot be had here

trap '"$model" stop "$place"' EXIT
echo 'Starting a real model (examples/local-model); its first start loads 130 MB.'
status=0
url=$("$model" start "$place") || status=$?
case $status in
0) tabellion demo --once --dir demo --model "$url" ;;
"$UNAVAILABLE")
  echo 'There is no real model here; the simulated provider answers in its place.'
  tabellion demo --once --dir demo
  ;;
*) exit "$status" ;;
esac

# The same package in the hands of the small verifier, which is all that an auditor needs.
printf '\n'
for trust in "--trust demo/trust.txt" ""; do
  read -ra options <<<"$trust"
  status=0
  tabellion-verify demo/evidence.zip "${options[@]}" >demo/verdict.txt || status=$?
  printf 'tabellion-verify demo/evidence.zip %s\n  %s\n' "$trust" "$(head -n 1 demo/verdict.txt)"
  if [ "$status" -ne "$([ -n "$trust" ] && echo 0 || echo 3)" ]; then
    printf 'demo: unexpected exit status %d; the whole report is in demo/verdict.txt\n' "$status" >&2
    exit 1
  fi
done
rm demo/verdict.txt
