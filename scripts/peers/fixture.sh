#!/usr/bin/env bash
# Makes what the peers look at, with the built program: fixture.sh DIRECTORY (made anew)
#   demo/evidence.zip, demo/trust.txt        the demo's package and trust file
#   package/                                 that package, unpacked
#   flipped.zip, repacked.zip                one bit of an entry changed, without and with the container's CRC-32 put right
#   log/, trust.txt                          a log of one recorded file, and its trust file
#   one.json.receipt, one.index              the receipt that recording it wrote, and its place in the log
#   statement.transparent, statement.cose    the same as SCITT hands it out: transparent statement, and bare COSE Receipt
#   log.zip                                  a package of all of that log
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/program.sh

place=$1
rm -rf "$place"
mkdir -p "$place"
place=$(cd "$place" && pwd)

tabellion demo --once --dir "$place/demo" >"$place/demo.txt"
python3 -B -m zipfile -e "$place/demo/evidence.zip" "$place/package"
python3 -B scripts/peers/damage.py "$place/demo/evidence.zip" entries/00000000.bundle "$place/flipped.zip" "$place/repacked.zip"

tabellion init --dir "$place/log" --origin peers.example/log/one >"$place/init.txt"
cp "$place/log/trust.txt" "$place/trust.txt"
echo '{"title":"Model card"}' >"$place/one.json"
index=$(tabellion record "$place/one.json" --dir "$place/log" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["index"])')
echo "$index" >"$place/one.index"
for format in transparent cose; do
  tabellion log prove "$index" --format "$format" --dir "$place/log" --out "$place/statement.$format"
done
tabellion export --dir "$place/log" --framework iso42001 --from 2020-01-01 --to 2100-01-01 --out "$place/log.zip"
