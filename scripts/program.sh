# shellcheck shell=bash
# Sourced by the scripts that run the program: builds it in the profile of the tests and puts it first in PATH.

cargo build --bins --locked --quiet
PROGRAM_DIR=$(cd "${CARGO_TARGET_DIR:-target}/debug" && pwd)
PATH=$PROGRAM_DIR:$PATH
