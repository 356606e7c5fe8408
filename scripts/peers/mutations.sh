#!/usr/bin/env bash
# The Rust, JavaScript and Python verifiers, and openssl where it can be asked, on the same damaged and forged evidence:
# mutations.sh [--short] [DIRECTORY as fixture.sh makes it]
set -euo pipefail
arguments=()
for argument in "$@"; do
  case $argument in
    --*) arguments+=("$argument") ;;
    *) arguments+=("$(cd "$argument" && pwd)") ;;
  esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh
python=$(python_venv verifier)/bin/python
"$python" -B scripts/peers/mutations.py "${arguments[@]}"
