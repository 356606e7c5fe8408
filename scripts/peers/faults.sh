#!/usr/bin/env bash
# The built program meets disks that fail and deaths that it did not choose, with a journal of its acknowledgements outside of it: failing system calls
# (libfiu), a file system of 64 MiB that fills up, kill -9 over HTTP. faults.sh DIRECTORY [STORY…]
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh
[ $# -gt 0 ] || set -- errors full kills

for story in "$@"; do
  case $story in
  errors)
    ensure_command fiu-run fiu-utils
    python3 -B scripts/peers/faults.py "$place" errors
    ;;
  full)
    mkdir -p "$place/small"
    user=()
    [ "$(id -u)" -eq 0 ] || user=(--user --map-root-user)
    # shellcheck disable=SC2016 # the inner shell expands
    mounted=(unshare "${user[@]}" --mount -- sh -c 'mount -t tmpfs -o size=64m tmpfs "$1" && shift && exec "$@"' sh "$place/small")
    if ! "${mounted[@]}" true 2>"$place/mount.txt"; then
      echo "full: not tried, this machine lets nobody mount a file system here: $(cat "$place/mount.txt")"
      continue
    fi
    "${mounted[@]}" python3 -B scripts/peers/faults.py "$place" full
    ;;
  *) python3 -B scripts/peers/faults.py "$place" "$story" ;;
  esac
done
