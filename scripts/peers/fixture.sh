#!/usr/bin/env bash
# Makes what the peers look at, with the built program: fixture.sh DIRECTORY (made anew)
#   demo/evidence.zip, demo/trust.txt    the demo's package and trust file
#   package/                             the package, unpacked
#   flipped.zip, repacked.zip            one bit of an entry changed, without and with the container's CRC-32 put right
#   one.receipt                          a receipt that the program wrote for a recorded file
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/program.sh

place=$1
rm -rf "$place"
mkdir -p "$place"
place=$(cd "$place" && pwd)

tabellion demo --once --dir "$place/demo" >"$place/demo.log"
python3 -B -m zipfile -e "$place/demo/evidence.zip" "$place/package"
python3 -B scripts/peers/damage.py "$place/demo/evidence.zip" entries/00000000.bundle "$place/flipped.zip" "$place/repacked.zip"
