#!/usr/bin/env bash
# The gate: what has to hold before a change is taken. One target directory, one profile; fetches crates, the pinned
# lint programs, browser tests and one Python package, and installs a missing openssl, curl, ShellCheck or Chromium, nothing else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/steps.sh
. scripts/install.sh

ensure_command openssl openssl # the tests run VERIFY.txt
ensure_command curl curl       # and record files over HTTP as the documents show

step "lint" scripts/lint.sh
step "Rust tests" scripts/test-rust.sh
step "browser verifier under node" scripts/test-js.sh
step "verifier in Python" scripts/test-python.sh
step "three verifiers, one answer, in short" scripts/peers/mutations.sh --short
step "the program, end to end" scripts/smoke.sh
step "the console in Chromium" scripts/console.sh "${CARGO_TARGET_DIR:-target}/console"
step_summary "make test: all passed"
