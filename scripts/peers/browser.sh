#!/usr/bin/env bash
# Opens the verify.html of a real package in Chromium, from a file and with the network off: browser.sh DIRECTORY
# DIRECTORY as fixture.sh makes it; screenshots are left in DIRECTORY/browser.
set -euo pipefail
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/program.sh

# The lock file names versions and hashes; where they come from is the machine's own npm setting.
npm ci --prefix e2e --ignore-scripts --no-audit --no-fund --loglevel=error
mkdir -p "$place/browser"
PLACE=$place CHROMIUM=$(command -v chromium) node --test e2e/verify-html.test.mjs
echo "screenshots: $place/browser"
