#!/usr/bin/env bash
# A record as SD-JWTs that disclose each subset of its fields, for disclosures.py to look at: sd-jwt.sh DIR
set -euo pipefail
place=$1
. scripts/install.sh
python=$(python_venv sd-jwt)/bin/python
. scripts/program.sh

rm -rf "$place"
mkdir -p "$place"
log=$place/log
tabellion init --dir "$log" --origin peers.example/log/sd-jwt >"$place/init.txt" 2>&1
printf '%s\n' '{"type":"loan.decided","body":{"amount_cents":120000,"decision":"refused"},"subjects":[{"subject":"c","fields":{"name":"Ada Lovelace"}}]}' >"$place/draft.jsonl"
tabellion record --drafts "$place/draft.jsonl" --json --dir "$log" 2>/dev/null | sed -n 's/.*"index":\([0-9]*\).*/\1/p' >"$place/index"
index=$(cat "$place/index")
tabellion key list --json --dir "$log" \
  | "$python" -c 'import json, sys; print(json.dumps(next(k for k in json.load(sys.stdin)["keys"] if k["purpose"] == "package")))' >"$place/package-key.json"
names=(amount_cents decision name)
for subset in 0 1 2 3 4 5 6 7; do
  fields=()
  for bit in 0 1 2; do
    if ((subset >> bit & 1)); then fields+=(--field "${names[bit]}"); fi
  done
  if ((subset == 0)); then fields=(--no-fields); fi
  tabellion log prove "$index" --format sd-jwt "${fields[@]}" --dir "$log" --out "$place/subset-$subset.sd-jwt"
  # The receipt with the same fields alone verifies too.
  tabellion log prove "$index" "${fields[@]}" --dir "$log" --out "$place/subset-$subset.receipt"
  tabellion verify "$place/subset-$subset.receipt" --trust "$log/trust.txt" >/dev/null
done
"$python" -B scripts/peers/disclosures.py "$place"
