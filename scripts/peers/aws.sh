#!/usr/bin/env bash
# Bedrock with keys of AWS: what the built program signs is checked by botocore, and boto3 calls it as its users do: aws.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh
ensure_command openssl openssl

# boto3 sends a bearer's key over TLS alone.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=gateway" -addext subjectAltName=IP:127.0.0.1 \
  -keyout "$place/gateway.key" -out "$place/gateway.pem" 2>/dev/null
chmod 600 "$place/gateway.key"
python=$(python_venv aws)/bin/python
"$python" -B scripts/peers/aws.py "$place"
