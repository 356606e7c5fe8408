# shellcheck shell=bash
# Sourced by the scripts that need more than a Rust toolchain, gcc, Python and Node: puts it there, or says how to.

# ensure_command COMMAND PACKAGE: installs Debian's PACKAGE when COMMAND is missing. Needs root; says so otherwise.
ensure_command() {
  local command=$1 package=$2
  command -v "$command" >/dev/null 2>&1 && return
  install_package "$package" "'$command' is missing"
}

install_package() {
  local package=$1 reason=$2
  if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
    printf '%s: %s. Install it (Debian: sudo apt-get install %s) and run this again.\n' "$0" "$reason" "$package" >&2
    return 1
  fi
  printf '%s: installing %s\n' "$reason" "$package" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" </dev/null >&2
}

# python_venv NAME: prints the directory of a virtual environment holding exactly what scripts/requirements/NAME.txt
# pins by hash, and nothing those ask for besides. Made once; made again when that file changes.
python_venv() {
  local name=$1 requirements directory stamp
  requirements=scripts/requirements/$name.txt
  directory=${CARGO_TARGET_DIR:-target}/venv-$name
  stamp=$(sha256sum "$requirements")
  if [ "$(cat "$directory/stamp" 2>/dev/null)" != "$stamp" ]; then
    # Debian's Python comes without the module that puts pip into an environment.
    python3 -c 'import ensurepip' 2>/dev/null || install_package python3-venv "Python cannot make virtual environments" || return 1
    rm -rf "$directory"
    python3 -m venv "$directory" >&2 || return 1
    "$directory/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes --no-deps \
      --requirement "$requirements" >&2 || return 1
    printf '%s\n' "$stamp" >"$directory/stamp"
  fi
  (cd "$directory" && pwd)
}
