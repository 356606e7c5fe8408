"""Steps of envelopes.sh: envelopes.py PLACE

An independent reading of the ar.io envelope family (its specs/envelope-spec.md v1.4), with `cryptography` for Ed25519 and nothing of ours: makes good
and bad envelopes for `tabellion envelope verify` and `import`, and checks what `tabellion envelope export` makes. Where the family's own library
(`ar-io-proof`) is installed it must agree on every one of them. Fails with the first thing that is not as it must be.
"""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

try:
    import ario_proof
except ImportError:
    ario_proof = None

SEED = hashlib.sha256(b"a signer of envelopes").digest()
KEY = Ed25519PrivateKey.from_private_bytes(SEED)
PUBLIC = KEY.public_key().public_bytes_raw().hex()
MAJORS = ("ario.agent/v1", "ario.mlflow/v1", "ario.events/v1")
PAYLOAD = {"git_commit": "0" * 40, "metrics": {"accuracy_percent": 93}, "params": {"epochs": "3"}, "run_id": "r1"}


def jcs(value):
    """RFC 8785 for what is used here: names in ASCII, whole numbers and text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def scope(envelope):
    """The members that are signed."""
    strips = envelope.get("spec_version", "ario.mlflow/v1").startswith("ario.mlflow/v1")
    left_out = ("signature", "co_signatures")
    return {name: value for name, value in envelope.items() if name not in left_out and not (strips and name.startswith("_"))}


def signed(envelope):
    envelope = {**envelope, "public_key": PUBLIC}
    return {**envelope, "signature": KEY.sign(jcs(scope(envelope))).hex()}


def check(envelope, payload):
    """None, or what is wrong with an envelope whose payload is `payload`."""
    version = envelope.get("spec_version", "")
    if not any(version == major or (version.startswith(major + ".") and version[len(major) + 1 :].isdigit()) for major in MAJORS):
        return "spec_version"
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(envelope["public_key"]))
        key.verify(bytes.fromhex(envelope["signature"]), jcs(scope(envelope)))
    except InvalidSignature:
        return "signature"
    return None if sha256(payload) == envelope["payload_hash"] else "payload"


def agent(**more):
    payload = {"asset": {"type": "filesystem", "uri": "file:///models/credit.pkl"}, "hash": "7f" * 32, "size_bytes": 47832}
    return {
        "event_id": "550e8400-e29b-41d4-a716-446655440000",
        "event_type": "asset_registered",
        "payload": payload,
        "payload_hash": sha256(jcs(payload)),
        "previous_hash": "GENESIS",
        "signed_at": "2026-05-12T14:23:45.123Z",
        "spec_version": "ario.agent/v1",
        "subject": {"agent_id": "host-01", "type": "agent"},
        **more,
    }


def mlflow(**more):
    return {
        "event_id": "1f0e9a4c-3b2d-4d5e-8f6a-7b8c9d0e1f2a",
        "event_type": "training_complete",
        "payload_hash": sha256(jcs(PAYLOAD)),
        "previous_hash": "GENESIS",
        "signed_at": "2026-05-12T14:23:45.123456+00:00",
        "spec_version": "ario.mlflow/v1",
        "subject": {"run_id": "r1", "type": "mlflow_run"},
        **more,
    }


def events(**more):
    return {
        "environment": "production",
        "event_id": "4c3d5e6f-7a8b-4c9d-a0e1-f2a3b4c5d6e7",
        "payload_hash": sha256(jcs(PAYLOAD)),
        "signed_at": "2026-06-11T00:03:00.500Z",
        "spec_version": "ario.events/v1",
        **more,
    }


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree(leaves):
    """Root and paths of RFC 9162."""
    if len(leaves) == 1:
        return leaves[0], [[]]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    (left, left_paths), (right, right_paths) = tree(leaves[:split]), tree(leaves[split:])
    return node(left, right), [path + [right] for path in left_paths] + [path + [left] for path in right_paths]


def bundle(count, index):
    leaves = [{"asset": {"asset_id": f"asset-{n:03}"}, "outcome": "verified", "schema": "ario.agent.leaf/v1"} for n in range(count)]
    root, paths = tree([hashlib.sha256(b"\x00" + jcs(leaf)).digest() for leaf in leaves])
    payload = {"leaf_count": count, "merkle_algorithm": "RFC9162-binary-sha256", "merkle_root": root.hex()}
    checkpoint = signed(agent(event_type="verification_checkpoint", payload=payload, payload_hash=sha256(jcs(payload))))
    return {
        "audit_path": [step.hex() for step in paths[index]],
        "checkpoint_envelope": checkpoint,
        "checkpoint_tx_id": "tx",
        "leaf": leaves[index],
        "leaf_index": index,
        "spec_version": "ario.agent.proof/v1",
    }


def batch():
    """Envelopes of one batch, each with its receipt, and the record of the checkpoint."""
    members = [signed(events(event_id=f"4c3d5e6f-7a8b-4c9d-a0e1-f2a3b4c5d6e{n}")) for n in range(5)]
    leaves = [hashlib.sha256(b"\x00" + jcs(member)).digest() for member in members]
    root, paths = tree(leaves)
    record = {"event": {"leaf_count": len(leaves), "merkle_root": root.hex()}, "event_type": "checkpoint", "payload_version": 1}
    checkpoint = signed(events(payload_hash=sha256(jcs(record))))
    receipts = [
        {
            "auditPath": [step.hex() for step in path],
            "checkpointEnvelope": checkpoint,
            "checkpointTxId": "tx",
            "leafHash": leaf.hex(),
            "leafIndex": index,
            "root": root.hex(),
        }
        for index, (leaf, path) in enumerate(zip(leaves, paths, strict=True))
    ]
    return members, receipts, record


def tampered(envelope, **changes):
    return {**envelope, **changes}


def without(envelope, name):
    return {member: value for member, value in envelope.items() if member != name}


class Notary:
    """A log, and files beside it."""

    def __init__(self, place):
        self.place, self.log = place, place / "log"
        self.payload = self.file("payload.json", jcs(PAYLOAD))
        self.run("init", "--dir", self.log, "--origin", "envelopes.example/log/bank")

    def file(self, name, content):
        path = self.place / name
        path.write_bytes(content if isinstance(content, bytes) else jcs(content))
        return path

    def run(self, *arguments, code=0):
        ran = subprocess.run(["tabellion", *map(str, arguments)], capture_output=True, text=True, check=False)
        assert ran.returncode == code, f"tabellion {arguments}: {ran.returncode}, not {code}\n{ran.stdout}{ran.stderr}"
        return ran

    def size(self):
        return len(self.run("log", "tail", "--dir", self.log, "-n", "10000").stdout.splitlines())

    def verify(self, file, *more, code=0):
        ran = self.run("envelope", "verify", file, "--json", "--key", PUBLIC, *more, code=code)
        return json.loads(ran.stdout)

    def imported(self, file, *more, code=0):
        return self.run("envelope", "import", file, "--dir", self.log, "--json", *more, code=code)


def family_says(envelope, payload=None):
    if ario_proof is None:
        return None
    if envelope.get("spec_version") == "ario.agent.proof/v1":
        return ario_proof.verify_proof_bundle(envelope).ok
    return ario_proof.verify_envelope(envelope, payload_bytes=payload).ok


def good(notary):
    """(name, envelope, options): what we must accept."""
    payload = ["--payload", notary.payload]
    yield "agent", signed(agent()), []
    yield "agent-minor", signed(agent(spec_version="ario.agent/v1.3", future={"n": 1})), []
    yield "mlflow", signed(mlflow()), payload
    yield "mlflow-notes", tampered(signed(mlflow()), _tx_id="somewhere"), payload
    yield "events", signed(events()), payload
    yield "co-signed", tampered(signed(events()), co_signatures=[{"by": "somebody"}]), payload
    for count, index in ((1, 0), (2, 1), (3, 2), (7, 4), (16, 15)):
        yield f"bundle-{count}-{index}", bundle(count, index), []


def bad(notary):
    """(name, content, options, exit code, code, whether the family's own library refuses it too)."""
    payload = ["--payload", notary.payload]
    lie = {"run_id": "r2"}
    yield "changed", tampered(signed(mlflow()), event_type="prediction"), payload, 1, "bad_signature", True
    yield "signature", tampered(signed(mlflow()), signature="ab" * 64), payload, 1, "bad_signature", True
    yield "removed", without(signed(agent(note="x")), "note"), [], 1, "bad_signature", True
    yield "injected", tampered(signed(agent()), approved_by="me"), [], 1, "unsigned_member", True
    yield "injected-underscore", tampered(signed(agent()), _tx_id="x"), [], 1, "unsigned_member", True
    yield "payload-inside", tampered(signed(agent(payload_hash="00" * 32))), [], 1, "payload_mismatch", True
    yield "payload-outside", signed(mlflow(payload_hash=sha256(jcs(lie)))), payload, 1, "payload_mismatch", True
    yield "dev", signed(events(environment="dev")), payload, 1, "dev_environment", False
    yield "major", signed(agent(spec_version="ario.agent/v10")), [], 2, "unsupported_spec_version", True
    yield "minor", signed(agent(spec_version="ario.agent/v1.x")), [], 2, "unsupported_spec_version", True
    yield "unversioned", signed(without(mlflow(), "spec_version")), payload, 2, "missing_spec_version", True
    yield "no-payload-hash", signed(without(mlflow(), "payload_hash")), payload, 2, "missing_member", True
    yield "misplaced", signed(events(event_type="x")), payload, 2, "misplaced_member", False
    twice = jcs(signed(mlflow())).replace(b"{", b'{"event_type":"prediction",', 1)
    yield "twice", twice, payload, 2, "duplicate_member", None
    yield "surrogate", jcs(signed(mlflow())).replace(b'"r1"', b'"\\ud800"'), payload, 2, "lone_surrogate", None
    yield "deep", b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", payload, 2, "too_deep", None
    yield "large", b" " * (1 << 20), payload, 2, None, None
    moved = bundle(7, 4)
    yield "bundle-index", {**moved, "leaf_index": 3}, [], 1, "bad_inclusion", True
    yield "bundle-leaf", {**moved, "leaf": {**moved["leaf"], "outcome": "tampered"}}, [], 1, "bad_inclusion", True
    yield "bundle-path", {**moved, "audit_path": moved["audit_path"][:-1]}, [], 1, "bad_inclusion", True


def verify_and_import(notary):
    for name, envelope, options in good(notary):
        file = notary.file(f"good-{name}.json", envelope)
        report = notary.verify(file, *options)
        assert report["facts"]["canonical"] is True, report
        laid_out = notary.file(f"good-{name}.indented.json", json.dumps(envelope, indent=2).encode())
        assert notary.verify(laid_out, *options)["facts"]["digest"] == report["facts"]["digest"], "two layouts, two digests"
        if options:
            notary.run("envelope", "verify", file, "--key", PUBLIC, code=3)
        notary.run("envelope", "verify", file, *options, code=3)
        assert family_says(envelope, jcs(PAYLOAD) if options else None) in (True, None), f"{name}: the family's library refuses it"
        first = json.loads(notary.imported(file, "--key", PUBLIC, *options).stdout)
        assert (first["duplicate"], first["payload_checked"], first["signer_known"]) == (False, True, True), first
        size = notary.size()
        again = json.loads(notary.imported(laid_out).stdout)
        assert (again["duplicate"], again["index"]) == (True, first["index"]), "the same envelope was recorded twice"
        assert notary.size() == size, "asking again changed the log"
        check_record(notary, first, file, envelope)


def check_record(notary, first, file, envelope):
    shown = json.loads(notary.run("log", "show", first["index"], "--dir", notary.log, "--json").stdout)
    text = json.dumps(shown)
    assert base64.b64encode(file.read_bytes()).decode() in text, "the record does not hold the bytes that were signed"
    inner = envelope.get("checkpoint_envelope", envelope)
    for said in (sha256(jcs(envelope)), inner["public_key"], inner["payload_hash"], "envelope.imported"):
        assert said in text, f"the record does not say {said}\n{text}"
    notary.run("verify", first["receipt"], "--trust", notary.log / "trust.txt")


def family_signs(notary):
    """Bytes that the family's own library signs and writes."""
    if ario_proof is None:
        return
    key = ario_proof.signing_key_from_seed_hex(SEED.hex())
    for name, members, options in (("agent", agent(), []), ("mlflow", mlflow(), True), ("events", events(), True)):
        made = ario_proof.canonical_json(ario_proof.sign_envelope(members, key))
        assert made == jcs(signed(members)), f"{name}: the two of us sign other bytes"
        notary.verify(notary.file(f"family-{name}.json", made), *(["--payload", notary.payload] if options else []))
    measured = {"loss": 1e-7, "ratio": 0.1 + 0.2, "steps": 1e21, "text": "\u20ac \U0001f600 \u0001", "tie": 1424953923781206.25}
    envelope = ario_proof.sign_envelope({**agent(), "payload": measured, "payload_hash": sha256(ario_proof.canonical_json(measured))}, key)
    notary.verify(notary.file("family-numbers.json", ario_proof.canonical_json(envelope)))


def refuse(notary):
    size = notary.size()
    for name, content, options, exit_code, code, family_refuses in bad(notary):
        file = notary.file(f"bad-{name}.json", content)
        ran = notary.run("envelope", "verify", file, "--json", "--key", PUBLIC, *options, code=exit_code)
        if code is not None:
            assert code in json.loads(ran.stdout)["facts"]["codes"], f"{name}: {ran.stdout}"
        refused = notary.imported(file, "--key", PUBLIC, *options, code=exit_code)
        assert code is None or code in refused.stderr, f"{name}: {refused.stderr}"
        if family_refuses is not None and family_says({}) is not None:
            said = family_says(content, jcs(PAYLOAD) if options else None)
            assert said is not family_refuses, f"{name}: the family's library says {said}"
    stranger = notary.file("stranger.json", signed(mlflow()))
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    notary.run("envelope", "import", stranger, "--dir", notary.log, "--key", other, code=1)
    assert notary.size() == size, "something broken was recorded"


def batches(notary):
    members, receipts, record = batch()
    file = notary.file("checkpoint-record.json", record)
    for index, (member, receipt) in enumerate(zip(members, receipts, strict=True)):
        one = notary.file(f"batch-{index}.json", member)
        options = ["--payload", notary.payload, "--checkpoint-payload", file, "--inclusion"]
        notary.verify(one, *options, notary.file(f"receipt-{index}.json", receipt))
        wrong = notary.file(f"receipt-wrong-{index}.json", {**receipt, "leafIndex": (index + 1) % len(members)})
        report = notary.verify(one, *options, wrong, code=1)
        assert report["facts"]["codes"] == ["bad_inclusion"], report


def export(notary):
    evidence = notary.file("assessment.txt", b"we assessed it\n")
    recorded = json.loads(notary.run("record", evidence, "--dir", notary.log, "--json").stdout)
    out = notary.place / "exported.json"
    notary.run("envelope", "export", recorded["index"], "--out", out, "--dir", notary.log)
    envelope, payload = json.loads(out.read_bytes()), Path(f"{out}.payload").read_bytes()
    assert jcs(envelope) == out.read_bytes() and jcs(json.loads(payload)) == payload, "not in canonical form"
    assert check(envelope, payload) is None, f"an independent check says: {check(envelope, payload)}"
    assert family_says(envelope, payload) in (True, None), "the family's library refuses what we export"
    assert json.loads(payload)["metadata"]["index"] == recorded["index"] and recorded["sha256"] not in payload.decode(), payload
    notary.run("envelope", "verify", out, "--key", envelope["public_key"], "--payload", f"{out}.payload")
    for name in ("payload_hash", "event_id", "environment", "signed_at"):
        changed = {**envelope, name: {"payload_hash": "00" * 32, "environment": "dev"}.get(name, envelope[name] + "0")}
        assert check(changed, payload) == "signature", f"{name} is not signed"
    notary.run("envelope", "export", recorded["index"], "--out", out, "--dir", notary.log, code=2)


def main():
    notary = Notary(Path(sys.argv[1]))
    verify_and_import(notary)
    family_signs(notary)
    refuse(notary)
    batches(notary)
    export(notary)
    notary.run("fsck", notary.log)
    count = len(list(good(notary))), len(list(bad(notary)))
    peer = f"ar-io-proof {ario_proof.__version__}" if ario_proof else "the family's own library was not asked"
    print(f"{count[0]} good and {count[1]} bad envelopes read alike, exports accepted; {peer}")


main()
