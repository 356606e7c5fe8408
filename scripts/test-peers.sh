#!/usr/bin/env bash
# What others say about our bytes: an independent COSE implementation, openssl and sha256sum, a real browser, the official
# OpenAI SDK, Presidio, LiteLLM, gRPC, a witness, a fuzzer.
# Installs what is missing; that takes minutes on a machine that has nothing yet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/steps.sh
. scripts/install.sh

place=${CARGO_TARGET_DIR:-target}/peers
peers=$(python_venv peers)
ensure_command openssl openssl
ensure_command chromium chromium
ensure_command file file

step "a log, a package and receipts to look at" scripts/peers/fixture.sh "$place"
step "COSE: an independent SCITT implementation" "$peers/bin/python" -B scripts/peers/cose.py "$place"
step "VERIFY.txt: sha256sum and openssl alone" scripts/peers/verify-txt.sh "$place"
step "verify.html in Chromium, from file://" scripts/peers/browser.sh "$place"
step "three verifiers, one answer, on damaged files" scripts/peers/agree.sh "$place"
step "four verifiers, one answer, on every byte and every forgery" scripts/peers/mutations.sh "$place"
step "anchors: openssl ts, the OpenTimestamps reference, arbundles, anvil" scripts/peers/anchors.sh "$place/anchors"
step "Arweave: arlocal and a bundler of arbundles" scripts/peers/arweave.sh "$place/arweave"
step "the official OpenAI SDKs, Python and Node" scripts/peers/openai-client.sh "$place/openai"
step "the official OpenAI SDKs, through the gateway" env GATEWAY=scripts/peers/gateway.sh scripts/peers/openai-client.sh "$place/governed"
step "responses and embeddings: llama.cpp with a real model, LiteLLM in front of llm-katan" scripts/peers/responses.sh "$place/responses"
step "the README's five minutes with the gateway" scripts/peers/tutorial.sh "$place/tutorial"
step "the control plane, asked what it describes and what not" scripts/peers/api.sh "$place/api"
step "a second client of tlog-tiles reads a whole log" scripts/peers/tiles.sh "$place/tiles"
step "two logs under a root log, as docs/shards.md has it" scripts/peers/shards.sh "$place/shards"
step "SCITT: an issuer with means of its own, receipts checked by others" scripts/peers/scitt.sh "$place/scitt"
step "SD-JWT: the reference implementation of RFC 9901" scripts/peers/sd-jwt.sh "$place/sd-jwt"
step "keys in a PKCS#11 token: SoftHSM2" scripts/peers/pkcs11.sh "$place/pkcs11"
step "a witness that others wrote" scripts/peers/witness.sh "$place/witness"
step "system calls that fail (libfiu)" scripts/peers/faults.sh "$place/errors" errors
step "a file system of 64 MiB that fills up" scripts/peers/faults.sh "$place/full" full
step "kill -9 over HTTP" scripts/peers/faults.sh "$place/kills" kills
step "guards of others: a real Presidio, up, killed and hanging; and its interface, served" scripts/peers/presidio.sh "$place/presidio"
step "guards of others over gRPC: Google's own implementation, up, killed and hanging" scripts/peers/grpc-guard.sh "$place/grpc"
step "Rego: the table of cases, as OPA itself has it" scripts/peers/rego.sh "$place/rego"
step "guards of others: as LiteLLM's own client asks them" scripts/peers/litellm.sh "$place/litellm"
step "applications behind the reference egress configuration" scripts/peers/egress.sh "$place/egress"
step "access tokens of an identity provider: oidc-provider, four algorithms, rotated and down" scripts/peers/oidc.sh "$place/oidc"
step "clients with certificates: openssl and curl" scripts/peers/mtls.sh "$place/mtls"
step "conversations in real time: the official OpenAI SDK over a socket" scripts/peers/realtime.sh "$place/realtime"
step "batches of messages and files: the official Anthropic SDK" scripts/peers/message_batches.sh "$place/message-batches"
step "passthrough: a provider with the interfaces of five vendors" scripts/peers/passthrough.sh "$place/passthrough"
step "Bedrock with keys of AWS: botocore checks the signatures, boto3 calls" scripts/peers/aws.sh "$place/aws"
step "event envelopes, as the ar.io family reads them" scripts/peers/envelopes.sh "$place/envelopes"
step "static programs, no network" scripts/test/offline.sh
step "every parser under the fuzzer, shortly" env FUZZ_SECONDS="${FUZZ_SECONDS:-2}" scripts/fuzz.sh
step_summary "make test-peers: all passed"
