#!/usr/bin/env bash
# A log whose checkpoints are signed in a PKCS#11 token: pkcs11.sh DIR. The token is Debian's SoftHSM2; what it holds is looked at with OpenSC's
# pkcs11-tool, and what it signed is checked by a verifier that knows nothing of tokens.
set -euo pipefail
place=$1
. scripts/install.sh
ensure_command softhsm2-util softhsm2
ensure_command pkcs11-tool opensc
. scripts/program.sh

rm -rf "$place"
mkdir -p "$place/tokens"
log=$place/log
module=/usr/lib/softhsm/libsofthsm2.so
export SOFTHSM2_CONF=$place/softhsm2.conf
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$(cd "$place" && pwd)" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label notary --so-pin 12345678 --pin 87654321 >"$place/token.txt"
(umask 077 && printf '87654321\n' >"$place/pin" && printf '00000000\n' >"$place/wrong-pin")

fail() {
  printf 'pkcs11: %s\n' "$1" >&2
  exit 1
}
# refused WORDS COMMAND…: the command fails, and says so in these words.
refused() {
  local words=$1
  shift
  if "$@" >"$place/refused.txt" 2>&1; then fail "was not refused: $*"; fi
  grep -qF -- "$words" "$place/refused.txt" || fail "does not say \"$words\": $(cat "$place/refused.txt")"
}
private_keys() { pkcs11-tool --module "$module" --token-label notary --login --pin 87654321 --list-objects --type privkey 2>/dev/null; }
verifies() { tabellion verify "$1" --trust "$log/trust.txt" >"$place/verified.txt" || fail "$1 does not verify: $(cat "$place/verified.txt")"; }

echo 'a letter' >"$place/letter.txt"
tabellion init --dir "$log" --origin peers.example/log/token >"$place/init.txt" 2>&1
tabellion record "$place/letter.txt" --dir "$log" >/dev/null 2>&1
mv "$place/letter.txt.receipt" "$place/before.receipt"
printf '\n[pkcs11]\nmodule = "%s"\ntoken = "notary"\npin_file = "%s/pin"\npurposes = "log, writer"\n' "$module" "$(cd "$place" && pwd)" >>"$log/tabellion.toml"

# The keys move into the token by rotation: the old key in its file vouches for the new one in the token.
tabellion key rotate log --dir "$log" >"$place/rotated.txt" 2>&1
tabellion key rotate writer --dir "$log" >>"$place/rotated.txt" 2>&1
[ "$(private_keys | grep -c 'Private Key Object; EC_EDWARDS')" -eq 2 ] || fail "the token does not hold two Ed25519 keys: $(private_keys)"
private_keys | grep -q 'never extractable' || fail "the token would give the key away"
key=$(sed -n 's/.*; log key \([0-9a-f]*\) is in force.*/\1/p' "$place/rotated.txt")
private_keys | grep -qi "ID: *$key" || fail "the token does not know the key by its id $key"
grep -q '"protection":"pkcs11"' "$log/keys/log-${key:0:16}.key" || fail "the key's file does not say where the key is"
if grep -q '"secret"' "$log/keys/log-${key:0:16}.key"; then fail "a secret lies beside the token"; fi

echo 'another letter' >"$place/second.txt"
tabellion record "$place/second.txt" --dir "$log" >/dev/null 2>&1
verifies "$place/second.txt.receipt"
verifies "$place/before.receipt"
tabellion export --dir "$log" --disclose all --out "$place/package.zip" >/dev/null 2>&1
verifies "$place/package.zip"
tabellion fsck "$log" >/dev/null

# A server signs through it too, and many at once.
tabellion serve --dir "$log" >"$place/serve.txt" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
for _ in $(seq 300); do grep -q 'serving the log' "$place/serve.txt" && break; sleep 0.1; done
grep -q 'serving the log' "$place/serve.txt" || fail "the server does not start: $(cat "$place/serve.txt")"
for number in 1 2 3 4 5 6 7 8; do
  echo "letter $number" >"$place/many-$number.txt"
  tabellion record "$place/many-$number.txt" --dir "$log" >/dev/null 2>&1 || fail "letter $number was not recorded"
done
verifies "$place/many-8.txt.receipt"
# The token goes while the server runs: nothing is recorded that it did not sign, and the server says why.
size=$(tabellion log head --dir "$log" --json | sed -n 's/.*"size": \([0-9]*\).*/\1/p')
mv "$place/tokens" "$place/tokens-away"
mkdir "$place/tokens"
refused 'nothing can be recorded' tabellion record "$place/second.txt" --dir "$log"
[ "$(tabellion log head --dir "$log" --json | sed -n 's/.*"size": \([0-9]*\).*/\1/p')" = "$size" ] || fail "something was recorded without a signature"
# It comes back, and the same server takes it up again.
rmdir "$place/tokens"
mv "$place/tokens-away" "$place/tokens"
tabellion record "$place/second.txt" --dir "$log" >/dev/null 2>"$place/back.txt" || fail "a token that came back is not used: $(cat "$place/back.txt")"
mv "$place/tokens" "$place/tokens-away"
mkdir "$place/tokens"
kill "$server"
wait "$server" || true
trap - EXIT

# Without the token, with the wrong PIN, or with no such module nothing starts, and each is told apart.
refused 'the token "notary" is not there' tabellion record "$place/second.txt" --dir "$log"
rmdir "$place/tokens"
mv "$place/tokens-away" "$place/tokens"
refused 'refuses the PIN' env TABELLION_PKCS11__PIN_FILE="$place/wrong-pin" tabellion record "$place/second.txt" --dir "$log"
refused 'there is no module' env TABELLION_PKCS11__MODULE=/nowhere.so tabellion record "$place/second.txt" --dir "$log"
refused 'cannot be loaded' env TABELLION_PKCS11__MODULE="$log/tabellion.toml" tabellion record "$place/second.txt" --dir "$log"
tabellion record "$place/second.txt" --dir "$log" >/dev/null 2>&1 || fail "the log does not go on with its token"
tabellion fsck "$log" >/dev/null
# The vault's wrapping key moves under an AES key of the token. Without that key no content opens and the log still verifies.
wrapping_keys() { pkcs11-tool --module "$module" --token-label notary --login --pin 87654321 --list-objects --type secrkey 2>/dev/null; }
sed -i 's/purposes = "log, writer"/purposes = "log, writer, vault"/' "$log/tabellion.toml"
tabellion vault rotate --reason 'the customer keeps it' --dir "$log" >"$place/vault.txt" 2>&1 || fail "the vault's key does not move into the token: $(cat "$place/vault.txt")"
grep -q '"wrapped"' "$log/keys/vault.key" || fail "the vault's key is not wrapped by the token"
if grep -q '"secret"' "$log/keys/vault.key"; then fail "the vault's key lies beside the token"; fi
wrapping_keys | grep -q 'never extractable' || fail "the token would give its wrapping key away: $(wrapping_keys)"
tabellion record "$place/second.txt" --dir "$log" >/dev/null 2>&1 || fail "nothing can be recorded under the token's key"
tabellion fsck "$log" >/dev/null
cp -r "$place/tokens" "$place/tokens-kept"
id=$(sed -n 's/.*"token_key":"\([0-9a-f]*\)".*/\1/p' "$log/keys/vault.key")
pkcs11-tool --module "$module" --token-label notary --login --pin 87654321 --delete-object --type secrkey --id "$id" >/dev/null 2>&1
refused 'vault_key_withdrawn' tabellion record "$place/second.txt" --dir "$log"
refused 'vault_key_withdrawn' tabellion fsck "$log"
verifies "$place/second.txt.receipt"
tabellion fsck "$log" --tree >/dev/null || fail "the tree cannot be checked without the vault's key"
rm -r "$place/tokens"
mv "$place/tokens-kept" "$place/tokens"
tabellion fsck "$log" >/dev/null || fail "the key is back and the log is not sound"
if grep -rqF 87654321 "$log" "$place"/*.txt; then fail "the PIN was written down"; fi
printf 'pkcs11: SoftHSM2 signed %s entries; without it nothing was recorded\n' "$(tabellion log head --dir "$log" --json | sed -n 's/.*"size": \([0-9]*\).*/\1/p')"
