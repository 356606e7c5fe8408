#!/usr/bin/env bash
# A log of ours and a witness that others wrote (mosskeys-witness): it cosigns what our log shows it, our verifier believes both of its signatures, and
# an old copy of the log is found out by it: witness.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/background.sh
. scripts/program.sh

version=0.4.3
root=$(mkdir -p "${CARGO_TARGET_DIR:-target}/peers/mosskeys-witness" && cd "${CARGO_TARGET_DIR:-target}/peers/mosskeys-witness" && pwd)
peer=$root/bin/mosskeys-witness
if [ "$("$peer" --version 2>/dev/null)" != "mosskeys-witness $version" ]; then
  echo "$0: building mosskeys-witness $version, some minutes" >&2
  CARGO_TARGET_DIR=$root/build cargo install --quiet --locked --debug --version "$version" --root "$root" mosskeys-witness >&2
fi
exec python3 -B scripts/peers/witness.py "$place" "$peer"
