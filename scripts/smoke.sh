#!/usr/bin/env bash
# The built program from end to end, as a user meets it: its help, the documents' commands, the README's quick start, the
# demo, and each exit status of both verifiers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/program.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# expect STATUS COMMAND…: runs it quietly; shows its output when it ends with another status.
expect() {
  local wanted=$1 status=0
  shift
  "$@" >"$scratch/output" 2>&1 </dev/null || status=$?
  if [ "$status" -ne "$wanted" ]; then
    cat "$scratch/output" >&2
    printf 'smoke: exit status %d, expected %d: %s\n' "$status" "$wanted" "$*" >&2
    exit 1
  fi
  printf 'ok  exit %d  %s\n' "$wanted" "${*//$scratch\//}"
}

expect 0 tabellion --version
expect 0 tabellion --help
expect 0 tabellion-verify --help
expect 0 python3 -B scripts/check-docs.py "$PROGRAM_DIR/tabellion"
expect 0 scripts/run-quick-start.sh "$scratch/quick-start"

expect 0 tabellion demo --once --dir "$scratch/demo"
package=$scratch/demo/evidence.zip trust=$scratch/demo/trust.txt

# One byte of an entry, changed: the byte in the middle of the file lies in the entries or their disclosures.
python3 -B - "$package" "$scratch/flipped.zip" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 1
open(sys.argv[2], "wb").write(data)
END
head -c 1000 "$package" >"$scratch/cut.zip"

for verifier in "tabellion verify" tabellion-verify; do
  read -ra verify <<<"$verifier"
  expect 0 "${verify[@]}" "$package" --trust "$trust"
  expect 0 "${verify[@]}" "$package" --trust "$trust" --json
  expect 3 "${verify[@]}" "$package"
  expect 2 "${verify[@]}" "$scratch/cut.zip" --trust "$trust"
  expect 2 "${verify[@]}" README.md --trust "$trust"
done
status=0
tabellion verify "$scratch/flipped.zip" --trust "$trust" >"$scratch/output" 2>&1 || status=$?
if [ "$status" -ne 1 ] && [ "$status" -ne 2 ]; then
  printf 'smoke: a package with one byte changed gave exit status %d\n' "$status" >&2
  exit 1
fi
printf 'ok  exit %d  a package with one byte changed\n' "$status"
