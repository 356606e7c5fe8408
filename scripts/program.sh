# shellcheck shell=bash
# Sourced by the scripts that run the program: builds it as the tests do and puts it first in PATH.
#
# The whole workspace is built, not one package: selecting a package would unify features otherwise and build the
# dependencies a second time.

cargo build --workspace --bins --locked --quiet
PROGRAM_DIR=$(cd "${CARGO_TARGET_DIR:-target}/debug" && pwd)
PATH=$PROGRAM_DIR:$PATH
