#!/usr/bin/env bash
# Runs the commands of a package's VERIFY.txt as that page says to, and holds what they print against what it says they must
# print: verify-txt.sh DIRECTORY, as fixture.sh makes it. Then damages the package in several ways; each must be noticed.
set -euo pipefail
package=$(cd "$1/package" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# as_printed DIRECTORY: succeeds when every command succeeds and prints what the page says, and nothing else.
as_printed() {
  sed -n 's/^  => //p' "$package/VERIFY.txt" >"$scratch/wanted"
  (cd "$1" && sed -n 's/^    //p' "$package/VERIFY.txt" | sh -e) >"$scratch/printed" 2>"$scratch/complaints" </dev/null || return 1
  cmp -s "$scratch/wanted" "$scratch/printed"
}

if ! as_printed "$package"; then
  diff "$scratch/wanted" "$scratch/printed" >&2 || true
  cat "$scratch/complaints" >&2
  echo "verify-txt: a good package does not pass its own page" >&2
  exit 1
fi
echo "VERIFY.txt: $(wc -l <"$scratch/wanted") lines printed as the page says"

# noticed NAME COMMAND…: runs COMMAND in a copy of the package; fails when the page's commands still pass.
noticed() {
  local name=$1
  shift
  rm -rf "$scratch/copy"
  cp -r "$package" "$scratch/copy"
  (cd "$scratch/copy" && "$@")
  if as_printed "$scratch/copy"; then
    echo "verify-txt: not noticed: $name" >&2
    exit 1
  fi
  echo "noticed: $name"
}

# change FILE: another last byte but two; in a signed file that lies within the signature.
change() {
  python3 -B - "$1" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-3] ^= 1
open(sys.argv[1], "wb").write(data)
END
}

noticed "a byte of an entry changed" change entries/00000000.bundle
noticed "a byte of the manifest changed" change manifest.json
noticed "a byte of the manifest's signature changed" change manifest.cose
noticed "a byte of the checkpoint's signature changed" change checkpoint
noticed "a byte of the report changed" change report.html
noticed "a byte of the verifier changed" change verify.html
noticed "a file taken out" rm report.html
noticed "a file added" touch entries/00000001.bundle
noticed "another size in the checkpoint" sed -i '2s/.*/1/' checkpoint
