#!/usr/bin/env bash
# Measures what guards cost a call: the gateway's own time and its waits for guards of others, by the histograms that it keeps, with no guard, with one of its own,
# with every kind of its own, with one that is asked over HTTP on loopback and with the same asked when the call is over; bodies of 1 KB and of 100 KB. Reports, never judges. docs/benchmarks.md says how to
# read it. ROUNDS (3), SECONDS_EACH (5), IN_FLIGHT (1), BENCH_DIR: the disk to measure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh

ensure_command curl curl
ensure_command jq jq
ensure_command nginx nginx-light
. scripts/bench-notary.sh

cp "$work/notary/tabellion.toml" "$work/plain.toml"
mkdir "$work/taken"
cat >"$work/answer.schema.json" <<'JSON'
{"type": "object", "properties": {"reason": {"type": "string"}, "meets": {"type": "boolean"}}, "required": ["reason", "meets"], "additionalProperties": false}
JSON
cat >"$work/house.rego" <<'REGO'
package house

deny contains "too-many-cards" if input.masked.payment_card > 3
REGO
none() { :; }
one() { printf '[guard.words]\nkind = "words"\nwords = ["project heron", "kumquat", "night ferry"]\n'; }
own() {
  one
  cat <<TOML
[guard.topics]
kind = "topics"
topics = { medicine = "dose | milligram | prescription", law = "sue | liable | damages" }
[guard.taken-over]
kind = "injection"
[guard.invisible]
kind = "invisible"
[guard.secrets]
kind = "secrets"
[guard.size]
kind = "size"
max_bytes = 1000000
[guard.flags]
kind = "provider_flags"
on = ["answer"]
[guard.references]
kind = "references"
on = ["prompt"]
[guard.form]
kind = "schema"
on = ["answer"]
schema = "$work/answer.schema.json"
[guard.house]
kind = "rego"
on = ["prompt"]
policy = "$work/house.rego"
query = "data.house.deny"
TOML
}
outside() { printf '[guard.outside]\nkind = "http"\nshape = "tabellion"\nversion = "1"\nprivate_network = true\nurl = "http://%s/check"\n' "$upstream"; }
# The same service, asked about each call when it is over: the stub answers one question at a time.
after() { outside && printf 'when = "after"\nbatch = 1\n'; }

# Every call is the same: an answer that the schema admits, and a reference for the guard that wants one.
reference=sha256:$(printf 'bench' | sha256sum | cut -d' ' -f1)
ask() { load "$gateway" "${IN_FLIGHT:-1}" --model bench-json --body "$1" --header "tabellion-references: $reference"; }
for round in $(seq "${ROUNDS:-3}"); do
  for guards in none one own outside after; do
    kill "$served"
    wait "$served" || true
    { cat "$work/plain.toml" && "$guards"; } >"$work/notary/tabellion.toml"
    serve
    for bytes in 1024 102400; do
      SECONDS_EACH=1 ask "$bytes" >/dev/null # caches are filled by then
      taken=$work/taken/$guards-$bytes-$round
      curl -fsS "http://$console/metrics" >"$taken.before"
      ask "$bytes" >"$taken.load"
      curl -fsS "http://$console/metrics" >"$taken.after"
    done
  done
done
python3 -B scripts/gateways/own_time.py "$work/taken" none one own outside after
printf '\nfdatasync of 4 KiB, p50 and p99 ms: %s\n' "$("$programs/traffic" probe "$work")"
