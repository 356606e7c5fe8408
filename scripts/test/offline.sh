#!/usr/bin/env bash
# One static program that needs no network: builds both programs without shared libraries and runs the whole story where
# there is no network at all.
# Requirement: B17
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

host=$(rustc -vV | sed -n 's/^host: //p')
place=${CARGO_TARGET_DIR:-target}/static
# An explicit --target keeps the flag off build scripts and macros, which must stay loadable.
RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --quiet --bins -p tabellion --target "$host" --target-dir "$place"
programs=$place/$host/debug
for program in tabellion tabellion-verify; do
  if ! file -b "$programs/$program" | grep -Eq 'statically linked|static-pie linked'; then
    printf '%s needs shared libraries:\n' "$program" >&2
    ldd "$programs/$program" >&2
    exit 1
  fi
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
offline() { unshare --map-root-user --net -- "$@"; }
if offline bash -c 'exec 3<>/dev/tcp/127.0.0.1/9' 2>/dev/null; then
  printf 'there is a network where there must be none\n' >&2
  exit 1
fi
offline "$programs/tabellion" demo --once --dir "$scratch/demo" >/dev/null
offline "$programs/tabellion-verify" "$scratch/demo/evidence.zip" --trust "$scratch/demo/trust.txt" >/dev/null
printf 'both programs are static (%s and %s bytes); the story ran without a network\n' \
  "$(stat -c %s "$programs/tabellion")" "$(stat -c %s "$programs/tabellion-verify")"
