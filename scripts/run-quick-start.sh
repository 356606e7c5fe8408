#!/usr/bin/env bash
# Runs the commands of the README's quick start, as printed there, in a new directory: run-quick-start.sh DIRECTORY
# `tabellion` must be in PATH.
set -euo pipefail
directory=$1
readme=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/README.md

commands=$(awk '/^## /{ here = ($0 == "## Quick start") } here && /^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$readme")
if [ -z "$commands" ]; then
  echo "$0: README.md has no sh block under '## Quick start'" >&2
  exit 1
fi
mkdir -p "$directory"
cd "$directory"
bash -euxo pipefail -c "$commands"
