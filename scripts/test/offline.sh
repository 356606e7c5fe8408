#!/usr/bin/env bash
# One static program that needs no network: builds both programs without shared libraries and runs the whole story where
# there is nothing but the machine itself: loopback, and no way out of it.
# Requirement: B17
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
ensure_command ip iproute2

# Only how a program is linked differs: its libraries are those of the tests, and nothing but the two small programs is compiled again.
# Both are moved away afterwards, so that nobody takes them for the ordinary ones.
built=${CARGO_TARGET_DIR:-target}/debug
programs=${CARGO_TARGET_DIR:-target}/static
mkdir -p "$programs"
for program in tabellion tabellion-verify; do
  cargo rustc --locked --quiet -p tabellion --bin "$program" -- -C target-feature=+crt-static
  mv "$built/$program" "$programs/$program"
done
for program in tabellion tabellion-verify; do
  if ! file -b "$programs/$program" | grep -Eq 'statically linked|static-pie linked'; then
    printf '%s needs shared libraries:\n' "$program" >&2
    ldd "$programs/$program" >&2
    exit 1
  fi
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# A namespace of its own begins with its loopback down and no other interface. `demo` talks to its own gateway over loopback.
# shellcheck disable=SC2016 # the inner shell expands
offline() { unshare --map-root-user --net -- sh -c 'ip link set lo up && exec "$@"' offline "$@"; }
ways_out=$(offline ip -oneline route show table all | grep -vc ' dev lo ' || true)
interfaces=$(offline ip -oneline link | grep -vc ': lo:' || true)
if [ "$ways_out" -ne 0 ] || [ "$interfaces" -ne 0 ]; then
  printf 'there is a network where there must be none: %s routes, %s interfaces besides loopback\n' "$ways_out" "$interfaces" >&2
  exit 1
fi
offline "$programs/tabellion" demo --once --dir "$scratch/demo" >/dev/null
offline "$programs/tabellion-verify" "$scratch/demo/evidence.zip" --trust "$scratch/demo/trust.txt" >/dev/null
printf 'both programs are static (%s and %s bytes); the story ran without a network\n' \
  "$(stat -c %s "$programs/tabellion")" "$(stat -c %s "$programs/tabellion-verify")"
