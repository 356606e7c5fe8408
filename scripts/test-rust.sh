#!/usr/bin/env bash
# Every Rust test of the workspace. With nextest where it is installed (each test a process of its own), with plain
# `cargo test` where it is not; both must pass. Arguments select tests: scripts/test-rust.sh compact_range
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --locked --no-fail-fast "$@"
  if [ "$#" -eq 0 ]; then
    cargo test --workspace --locked --quiet --doc
  fi
else
  cargo test --workspace --locked --no-fail-fast "$@"
fi
