#!/usr/bin/env bash
# A guard in Python made from our description of the service, as a guard of the built program, up, killed and hanging: grpc-guard.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh

python=$(python_venv grpc)/bin/python
mkdir "$place/made"
"$python" -m grpc_tools.protoc --proto_path=proto --python_out="$place/made" --grpc_python_out="$place/made" tabellion/guard/v1/guard.proto
PYTHONPATH=$place/made "$python" -B scripts/peers/grpc_guard.py "$place"
