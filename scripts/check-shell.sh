#!/usr/bin/env bash
# Runs shellcheck over every shell script of the tree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

git ls-files -z --cached --others --exclude-standard -- '*.sh' .ci/run | xargs -0 shellcheck --external-sources
