"""The forms that everything else rests on: what has a second spelling is refused."""

import base64
import hashlib
import unittest
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import TypeVar

from tabellion_verify import (
    alarms,
    cbor,
    certificate,
    cose,
    disclosures,
    ed25519,
    encoding,
    jcs,
    keccak,
    note,
    ots,
    policy,
    report,
    timestamp,
    tree,
    zipform,
)
from tabellion_verify.faults import Broken, Malformed
from tests import GOLDEN, TLOG_GOLDEN

T = TypeVar("T")
NEWLINE = b"\n"


class Forms(unittest.TestCase):
    def refuses(self, read: Callable[[T], object], values: Iterable[T], loss: str) -> None:
        for value in values:
            with self.assertRaises(Malformed, msg=f"{value!r}: {loss}"):
                read(value)

    def test_json_has_one_spelling(self) -> None:
        good = '{"a":[1,-2,"é","\\u0001"],"b":{"c":null,"d":true}}'.encode()
        self.assertEqual(jcs.read(good), {"a": [1, -2, "é", "\x01"], "b": {"c": None, "d": True}})
        bad = [
            b"",
            b" 1",
            b"1 ",
            b"01",
            b"1.0",
            b"1e3",
            b"-0",
            b"NaN",
            b'{"b":1,"a":2}',
            b'{"a":1,"a":1}',
            b'"\\u00e9"',
            b'"\\ud800"',
            b"\xff",
        ]
        bad += [b"9007199254740992", b"[" * 33 + b"]" * 33, b"[" * 5000 + b"]" * 5000, b"1" * 5000, b"\xef\xbb\xbf1"]
        self.refuses(jcs.read, bad, "one value would have two hashes")
        jcs.read(b"[" * 32 + b"]" * 32)
        # U+10000 comes before U+E000 by UTF-16 code units and after it by code points (RFC 8785 §3.2.3).
        self.assertEqual(
            jcs.write({"\ue000": 1, "\U00010000": 2}), '{"\U00010000":2,"\ue000":1}'.encode(), "another order than other readers"
        )

    def test_cbor_has_one_spelling(self) -> None:
        self.assertEqual(cbor.read(bytes.fromhex("a20102616103")), {1: 2, "a": 3})
        bad = [
            "",
            "1801",
            "190001",
            "1b0000000000000001",
            "5f4101ff",
            "9fff",
            "f93c00",
            "fb3ff0000000000000",
            "f7",
            "a26161030102",
            "a201020103",
            "0102",
            "61ff",
            "8201",
        ]
        self.refuses(lambda text: cbor.read(bytes.fromhex(text)), bad, "one message would have two signatures' worth of bytes")
        self.refuses(cbor.read, [b"\x81" * 5000 + b"\x01", b"\x9b" + b"\xff" * 8], "a short file could take all memory or stack")

    def test_base64_has_one_spelling(self) -> None:
        self.assertEqual(encoding.from_base64("AA=="), b"\0")
        self.refuses(encoding.from_base64, ["AA", "AB==", "A A==", "AA==\n", "-_==", "é"], "one hash would have two spellings")
        self.refuses(encoding.from_base64url, ["AA==", "AB", "+/", "A"], "one digest would have two spellings")
        self.refuses(lambda text: encoding.from_hex(text, 1), ["0", "0G", "AA", "000", "٠٠"], "one id would have two spellings")

    def test_the_container_has_one_byte_form(self) -> None:
        data = (GOLDEN / "plain.zip").read_bytes()
        files = zipform.read(data)
        self.assertEqual(zipform.write(files), data, "what was read cannot be written again")
        self.refuses(
            zipform.read, [data + b"\0", data[:-1], data[1:], b"", b"PK", b"\0" + data], "bytes could hide beside the evidence"
        )
        for name in ("../evil", "/root", "a//b", "a/", "", "a b", "é", "x" * 256, "./a"):
            self.assertFalse(zipform.is_name(name), f"{name!r} could be written outside the place of the package")


class Signatures(unittest.TestCase):
    def test_small_order_and_second_spellings_are_refused(self) -> None:
        points = [0, 1, ed25519.P - 1, ed25519.P, ed25519.P + 1, *ed25519.SMALL_ORDER]
        for y in points:
            for sign in (0, 1 << 255):
                key = (y | sign).to_bytes(32, "little")
                self.assertFalse(ed25519.is_public_key(key), f"{key.hex()} would verify signatures that nobody made")
        self.assertEqual(len(ed25519.SMALL_ORDER), 5, "a point of small order is missing")
        self.assertTrue(ed25519.is_public_key(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")))

    def test_the_golden_messages_of_the_log_library(self) -> None:
        actor = encoding.from_base64((TLOG_GOLDEN / "actor-public-key.pem").read_text().split("\n")[1])[-32:]
        statement = cose.read_attached((TLOG_GOLDEN / "statement.bin").read_bytes(), cose.STATEMENT)
        statement.verify(actor)
        with self.assertRaises(Broken, msg="anybody's key would do"):
            statement.verify(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
        log = encoding.from_base64((TLOG_GOLDEN / "log-public-key.pem").read_text().split("\n")[1])[-32:]
        receipt = cose.read_receipt((TLOG_GOLDEN / "receipt.bin").read_bytes())
        entry, receipts = cose.without_receipts((TLOG_GOLDEN / "transparent.bin").read_bytes())
        self.assertEqual(entry, (TLOG_GOLDEN / "statement.bin").read_bytes(), "the entry is not what stands in the log")
        self.assertEqual(len(receipts), 1)
        receipt.message.verify(log, tree.root_of_path(tree.leaf_hash(entry), receipt.index, receipt.size, receipt.path))


    def test_index_and_size_of_a_receipt_are_numbers_that_json_says_exactly(self) -> None:
        golden = cose.read((TLOG_GOLDEN / "receipt.bin").read_bytes())

        def placed(size: int) -> bytes:
            proof = b"\x83\x1b" + size.to_bytes(8) + b"\x00\x80"
            vdp = b"\xa1\x19\x01\x8c\xa1\x20\x81" + cbor.byte_string(proof)
            return b"\xd2\x84" + cbor.byte_string(golden.protected) + vdp + b"\xf6" + cbor.byte_string(golden.signature)

        self.assertEqual(cose.read_receipt(placed((1 << 53) - 1)).size, (1 << 53) - 1)
        with self.assertRaises(Malformed, msg="one file would have two verdicts"):
            cose.read_receipt(placed(1 << 53))


class Trust(unittest.TestCase):
    def test_the_golden_policy_counts_groups(self) -> None:
        rules = policy.read((TLOG_GOLDEN / "policy.txt").read_bytes())
        self.assertFalse(rules.is_met("X-and-Y", {"X1", "Y1"}), "one witness of a group of two would do")
        self.assertTrue(rules.is_met("X-and-Y", {"X1", "X3", "Y2"}))
        checkpoint = note.read_checkpoint((TLOG_GOLDEN / "checkpoint-cosigned.txt").read_bytes())
        self.assertEqual(list(rules.cosigned(checkpoint)), ["X1"], "a real cosignature is not recognised")
        self.assertEqual(policy.judge_quorum(rules, checkpoint)[0], "undetermined", "a quorum that is not met would be one")
        times = {"X1": 50, "X3": 70, "Y1": 60, "Y2": 1}
        self.assertEqual(rules.met_by(times), ("X3", 70), "one witness's clock dates what a quorum has to")
        self.assertIsNone(rules.met_by({"X1": 50, "Y1": 60}), "a quorum that is not met dates something")

    def test_what_is_no_policy_is_refused_with_its_line(self) -> None:
        key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
        for text in (
            "",
            f"log {key}",
            f"log {key}\nlog {key}\nquorum none\n",
            "quorum none\nquorum none\n",
            "quorum W\n",
            "log x\nquorum none\n",
            f"witness w {key}\nquorum none\n",
        ):
            with self.assertRaises(Malformed, msg=f"{text!r} would be believed"):
                policy.read(text.encode())


class Alarms(unittest.TestCase):
    def test_thousands_of_alarms_are_looked_at_once_each(self) -> None:
        reads = 0

        class Found(SimpleNamespace):
            @property
            def record_id(self) -> str:
                nonlocal reads
                reads += 1
                return "0" * 32

        facts = {"kind": "forked", "proved": True, "size": 9}
        found = [Found(type=alarms.FOUND, type_version=1, facts=facts, observed_at=1) for _ in range(500)]
        lifted = [SimpleNamespace(type=alarms.LIFTED, type_version=1, facts={"conflict": "1" * 32}) for _ in range(500)]
        rows = [SimpleNamespace(index=index, entry=SimpleNamespace(record=one)) for index, one in enumerate(found + lifted)]
        judged = report.Report.planned("package", "", ())
        alarms.check(judged, rows)
        self.assertEqual(judged.find("alarms").outcome, report.UNDETERMINED, "alarms that nothing lifts are passed over")
        self.assertLessEqual(reads, 500, "a package of many alarms keeps its reader busy: the work grows with their square")


class Tree(unittest.TestCase):
    def test_ranges_and_paths_give_the_root_of_the_recursive_definition(self) -> None:
        def root(leaves: list[bytes]) -> bytes:  # RFC 9162 §2.1.1
            if len(leaves) < 2:
                return leaves[0] if leaves else tree.root_of([])
            split = 1 << (len(leaves) - 1).bit_length() - 1
            return tree.node_hash(root(leaves[:split]), root(leaves[split:]))

        def path(index: int, leaves: list[bytes]) -> list[bytes]:  # RFC 9162 §2.1.3.1
            if len(leaves) == 1:
                return []
            split = 1 << (len(leaves) - 1).bit_length() - 1
            if index < split:
                return [*path(index, leaves[:split]), root(leaves[split:])]
            return [*path(index - split, leaves[split:]), root(leaves[:split])]

        leaves = [tree.leaf_hash(bytes([number])) for number in range(20)]
        for size in range(1, 21):
            whole = root(leaves[:size])
            for index in range(size):
                proof = path(index, leaves[:size])
                tree.check_path(leaves[index], index, size, proof, whole)
                for wrong in [[*proof, whole], *([proof[1:]] if proof else [])]:
                    with self.assertRaises(Broken, msg="a path of another length leads to the same root"):
                        tree.check_path(leaves[index], index, size, wrong, whole)
            for first in range(size + 1):
                for end in range(first, size + 1):
                    parts = self.subtrees(0, first, leaves, root), self.subtrees(end, size, leaves, root)
                    given = tree.root_of_range(first, leaves[first:end], *parts, size)
                    self.assertEqual(given, whole, f"[{first}, {end}) of {size}")

    def subtrees(self, begin: int, end: int, leaves: list[bytes], root: Callable[[list[bytes]], bytes]) -> list[bytes]:
        found = []
        for size in tree.right_sizes(begin, end) if begin else tree.left_sizes(end):
            found.append(root(leaves[begin : begin + size]))
            begin += size
        return found


class Disclosures(unittest.TestCase):
    def test_a_disclosure_is_three_things_in_one_spelling(self) -> None:
        def encoded(text: str) -> str:
            return encoding.to_base64url(text.encode())

        good = encoded('["AAAAAAAAAAAAAAAAAAAAAA","name",{"a":1}]')
        self.assertEqual(disclosures.read_field(good), disclosures.Field("name", {"a": 1}))
        for bad in (
            '["AAAAAAAAAAAAAAAAAAAAAA","name"]',
            '["AAAA","name",1]',
            '["AAAAAAAAAAAAAAAAAAAAAA","Name",1]',
            '["AAAAAAAAAAAAAAAAAAAAAB","name",1]',
            "{}",
        ):
            with self.assertRaises(Malformed, msg=f"{bad} would be shown as a field"):
                disclosures.read_field(encoded(bad))

    def test_a_line_about_anchors_is_never_quietly_without_effect(self) -> None:
        certificate = base64.b64encode((TLOG_GOLDEN / "anchor/authority-p256.der").read_bytes()).decode()
        mistyped = certificate[:300] + ("B" if certificate[300] == "A" else "A") + certificate[301:]
        trust = (GOLDEN / "trust.txt").read_bytes()
        good = f"#! rfc3161 x {certificate}\n#! bitcoin 1 {'00' * 80}\n#! evm 1 20000000 0x{'AB' * 32}\n # not one\n"
        read = policy.read(trust + good.encode()).anchors
        self.assertEqual((len(read.authorities), len(read.bitcoin), len(read.evm)), (1, 1, 1), "a line was lost")
        lines = ["rfc3161 x", "rfc3162 x AAAA", "", "bitcoin 1 00", "evm 1 01 00", "rfc3161 x *", "rfc3161 x AAAA"]
        for line in [*lines, f"rfc3161 x {mistyped}"]:
            with self.assertRaisesRegex(Malformed, f"line {trust.count(NEWLINE) + 1}", msg=f"the reader has to search for {line}"):
                policy.read(trust + f"#! {line}\n".encode())

    def test_a_small_proof_that_takes_long_to_compute_is_refused(self) -> None:
        branch = b"\x67\x00" + bytes.fromhex("0588960d73d71901") + b"\x01\x01"

        def proof(count: int) -> bytes:
            head = ots._MAGIC + b"\x01\x08" + bytes(32) + b"\xf0\xe0\x1f" + bytes(4064)
            return head + (b"\xff" + branch) * (count - 1) + branch

        self.assertEqual(len(ots.read(proof(127)).heights), 127, "127 hashes of 4096 bytes and 128 bytes are below the limit")
        with self.assertRaises(Broken, msg="a reader computes for hours"):
            ots.read(proof(128))
        deep = bytes(32)
        for _ in range(255):
            deep = hashlib.sha256(deep).digest()
        chain = ots.read(ots._MAGIC + b"\x01\x08" + bytes(32) + b"\x08" * 255 + branch[1:])
        header = bytes(36) + deep + (7).to_bytes(4, "little") + bytes(8)
        self.assertEqual(chain.time_in(1, header), 7, "a long chain of operations is not followed")

    def test_an_authority_between_may_sign_certificates(self) -> None:
        kept = TLOG_GOLDEN / "anchor"
        authority = certificate.read_authority((kept / "authority-deep.der").read_bytes())
        imprint = hashlib.sha256(b"checkpoint").digest()
        timestamp.verify((kept / "stamp-deep.tsr").read_bytes(), imprint, authority)
        with self.assertRaises(Broken, msg="whoever holds a certificate for something else makes time-stamps of this authority"):
            timestamp.verify((kept / "stamp-lent.tsr").read_bytes(), imprint, authority)

    def test_keccak_is_that_of_chains(self) -> None:
        """Vectors of the Keccak team: the empty message, and one of exactly one block."""
        digests = {b"": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"}
        digests[b"a" * 136] = "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e"
        for message, digest in digests.items():
            self.assertEqual(keccak.keccak256(message).hex(), digest, "no block of a chain would be known")


if __name__ == "__main__":
    unittest.main()
