#!/usr/bin/env bash
# The console in a real browser, on a log of the demo: console.sh DIRECTORY (its demo/ is made anew; screenshots are left in its browser/).
# With IMAGES=docs/images the screenshots of the documents are taken anew.
set -euo pipefail
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/program.sh
. scripts/install.sh

ensure_command chromium chromium
# The lock file names versions and hashes; where they come from is the machine's own npm setting.
npm ci --prefix e2e --ignore-scripts --no-audit --no-fund --loglevel=error
rm -rf "$place/demo"
tabellion demo --once --dir "$place/demo" >"$place/demo.txt"
PLACE=$place CHROMIUM=$(command -v chromium) node --test e2e/console.test.mjs
