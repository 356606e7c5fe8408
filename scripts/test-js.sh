#!/usr/bin/env bash
# The browser verifier: its own tests under node's test runner, and that the page we ship is what its sources give. No
# package is needed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

node web/verify/build.mjs --check
mapfile -t tests < <(git ls-files --cached --others --exclude-standard -- 'web/*/test/*.test.js' 'web/*/test/*.test.mjs')
if [ "${#tests[@]}" -eq 0 ]; then
  echo "$0: found no test under web/*/test: the browser verifier would go out untested" >&2
  exit 1
fi
node --test "${tests[@]}"
