#!/usr/bin/env bash
# The story of one notary on this machine, in ./demo: records, an erasure, an evidence package, and who believes it why.
# Run again, it goes on with the same log: what was recorded before is recognised and not recorded twice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/program.sh

tabellion demo --once --dir demo

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
