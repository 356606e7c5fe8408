#!/usr/bin/env bash
# Prints the commands of one section of the README, as printed there: readme-commands.sh SECTION
set -euo pipefail
readme=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/README.md

commands=$(awk -v heading="## $1" '/^## /{ here = ($0 == heading) } here && /^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$readme")
if [ -z "$commands" ]; then
  echo "$0: README.md has no sh block under '## $1'" >&2
  exit 1
fi
printf '%s\n' "$commands"
