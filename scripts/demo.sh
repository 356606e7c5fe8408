#!/usr/bin/env bash
# The story of one notary on this machine, in ./demo, each time from the beginning.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/program.sh

rm -rf demo
tabellion demo --once --dir demo

printf '\n-- An auditor who has your trust file\n'
tabellion verify demo/evidence.zip --trust demo/trust.txt

printf '\n-- Somebody who has the package alone: consistent, issuer unknown (exit status 3)\n'
status=0
tabellion verify demo/evidence.zip || status=$?
if [ "$status" -ne 3 ]; then
  printf 'demo: expected exit status 3 without a trust file, got %d\n' "$status" >&2
  exit 1
fi

cat <<'END'

Look further:
  unzip -o demo/evidence.zip -d demo/evidence    then open demo/evidence/report.html and demo/evidence/verify.html
  cat demo/evidence/VERIFY.txt                   the same checks with sha256sum and openssl alone
END
