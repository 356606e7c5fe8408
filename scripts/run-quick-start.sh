#!/usr/bin/env bash
# Runs the commands of the README's quick start, as printed there, in a new directory: run-quick-start.sh DIRECTORY
# `tabellion` must be in PATH.
set -euo pipefail
directory=$1
commands=$("$(dirname "${BASH_SOURCE[0]}")/readme-commands.sh" "Quick start")
mkdir -p "$directory"
cd "$directory"
bash -euxo pipefail -c "$commands"
