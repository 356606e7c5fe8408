#!/usr/bin/env bash
# Clients with certificates that openssl made, through curl, at the built program's own TLS: good, revoked, over, of somebody else: mtls.sh DIRECTORY
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
. scripts/program.sh
ensure_command openssl openssl
ensure_command curl curl

# authority NAME: a key, a certificate, and a book of what it gave out
authority() {
  mkdir "$place/$1"
  : >"$place/$1/index.txt"
  echo 01 >"$place/$1/serial"
  echo 01 >"$place/$1/crlnumber"
  cat >"$place/$1/ca.conf" <<CONF
[ca]
default_ca = this
[this]
dir = $place/$1
database = \$dir/index.txt
serial = \$dir/serial
crlnumber = \$dir/crlnumber
new_certs_dir = \$dir
certificate = \$dir/ca.pem
private_key = \$dir/ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = optional
CONF
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=Clients" \
    -keyout "$place/$1/ca.key" -out "$place/$1/ca.pem" -addext basicConstraints=critical,CA:TRUE \
    -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
}

# certify AUTHORITY NAME SAN [OPTION…]: a certificate of NAME with these alternative names
certify() {
  local authority=$1 name=$2 names=$3
  shift 3
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -addext "subjectAltName=$names" \
    -keyout "$place/$name.key" -out "$place/$name.csr" 2>/dev/null
  openssl ca -batch -notext -config "$place/$authority/ca.conf" -in "$place/$name.csr" -out "$place/$name.pem" "$@" 2>/dev/null
}

authority ours
authority theirs
certify ours gateway IP:127.0.0.1
certify ours loans URI:spiffe://corp.example/loans
certify ours revoked URI:spiffe://corp.example/loans
certify ours over URI:spiffe://corp.example/loans -startdate 20200101000000Z -enddate 20200201000000Z
certify ours other URI:spiffe://corp.example/other
certify theirs foreign URI:spiffe://corp.example/loans
openssl ca -config "$place/ours/ca.conf" -revoke "$place/revoked.pem" 2>/dev/null
openssl ca -config "$place/ours/ca.conf" -gencrl -out "$place/clients.crl" 2>/dev/null
python3 -B scripts/peers/mtls.py "$place"
