#!/usr/bin/env bash
# Time-stamp authorities out of openssl, for tests: tsa.sh DIR makes keys, certificates and a configuration with one section for each.
#   ca.der, rsa-ca.der, other-ca.der   what a reader may trust; other-ca has signed nothing here
#   tsa.cnf                            openssl ts -reply -config DIR/tsa.cnf -section good | rsa | deep | lent
#   good, rsa, expired, plain, deep    signers (.pem, .key): expired ended in 2021; plain may sign anything but time-stamps; deep has its certificate
#                                      from middle, an authority below ca
#   lent                               a signer whose certificate is from idle, below ca: an authority whose key may not sign certificates
set -euo pipefail
dir=$1
mkdir -p "$dir"
cd "$dir"

authority() { # NAME KEYSPEC…
  local name=$1
  shift
  openssl req -x509 -new -nodes "$@" -keyout "$name.key" -out "$name.pem" -days 3650 -subj "/O=Test/CN=$name" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
  openssl x509 -in "$name.pem" -outform DER -out "$name.der"
  : >"$name.index"
  echo 1000 >"$name.serial"
}

signer() { # NAME CA START END EXTENSIONS KEYSPEC…
  local name=$1 ca=$2 start=$3 end=$4 extensions=$5
  shift 5
  openssl req -new -nodes "$@" -keyout "$name.key" -out "$name.csr" -subj "/O=Test/CN=$name" 2>/dev/null
  openssl ca -batch -notext -config ca.cnf -name "$ca" -extensions "$extensions" -startdate "$start" -enddate "$end" \
    -in "$name.csr" -out "$name.pem" 2>/dev/null
}

{
  for ca in ca rsa-ca middle idle; do
    printf '[%s]\ndatabase=%s.index\nserial=%s.serial\nnew_certs_dir=.\ncertificate=%s.pem\nprivate_key=%s.key\ndefault_md=sha256\npolicy=any\nunique_subject=no\n' \
      "$ca" "$ca" "$ca" "$ca" "$ca"
  done
  printf '[authority]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n'
  printf '[lacking]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\n'
  printf '[any]\norganizationName=optional\ncommonName=supplied\n'
  printf '[stamps]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\nsubjectKeyIdentifier=hash\n'
  printf '[anything]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\nsubjectKeyIdentifier=hash\n'
} >ca.cnf

{
  for name in good rsa deep lent; do
    case $name in good) ca=ca ;; rsa) ca=rsa-ca ;; deep) ca=middle ;; lent) ca=idle ;; esac
    printf '[%s]\nserial=%s/serial\ncrypto_device=builtin\nsigner_cert=%s/%s.pem\ncerts=%s/%s.pem\nsigner_key=%s/%s.key\nsigner_digest=sha256\n' \
      "$name" "$PWD" "$PWD" "$name" "$PWD" "$ca" "$PWD" "$name"
    printf 'default_policy=1.3.6.1.4.1.99999.1\nother_policies=1.3.6.1.4.1.99999.2\ndigests=sha256\naccuracy=secs:1,millisecs:500\nordering=no\ntsa_name=yes\ness_cert_id_chain=no\ness_cert_id_alg=%s\n' \
      "$([ "$name" = rsa ] && echo sha1 || echo sha256)"
  done
} >tsa.cnf
echo 01 >serial

ec=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
authority ca "${ec[@]}"
authority other-ca "${ec[@]}"
authority rsa-ca -newkey rsa:2048
now=$(date -u +%Y%m%d%H%M%SZ)
signer good ca "$now" 20350101000000Z stamps "${ec[@]}"
signer rsa rsa-ca "$now" 20350101000000Z stamps -newkey rsa:3072
signer expired ca 20200101000000Z 20210101000000Z stamps "${ec[@]}"
signer middle ca "$now" 20350101000000Z authority -newkey ec -pkeyopt ec_paramgen_curve:P-384
: >middle.index
echo 1000 >middle.serial
signer deep middle "$now" 20350101000000Z stamps "${ec[@]}"
signer idle ca "$now" 20350101000000Z lacking "${ec[@]}"
: >idle.index
echo 1000 >idle.serial
signer lent idle "$now" 20350101000000Z stamps "${ec[@]}"
signer plain ca "$now" 20350101000000Z anything "${ec[@]}"
