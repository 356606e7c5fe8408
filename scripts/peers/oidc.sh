#!/usr/bin/env bash
# Access tokens of a real identity provider (oidc-provider) at the built program's gateway: signed in four ways, rotated, down: oidc.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/program.sh

npm ci --prefix scripts/peers/oidc --ignore-scripts --no-audit --no-fund --loglevel=error >&2
python3 -B scripts/peers/oidc.py "$place"
