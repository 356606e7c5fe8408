"""The golden evidence and the verdicts that all verifiers have to give of it."""

import base64
import json
import subprocess
import sys
import unittest
import zipfile

import tabellion_verify
from tabellion_verify import zipform
from tabellion_verify.report import Problems
from tests import GOLDEN, REPOSITORY

VERDICTS = json.loads((GOLDEN / "verdicts.json").read_text())


def report(
    name: str, trust: str | None = "trust.txt", directory: tabellion_verify.Directory | None = None
) -> tabellion_verify.Report:
    policy = tabellion_verify.read_trust((GOLDEN / trust).read_bytes()) if trust else None
    return tabellion_verify.verify((GOLDEN / name).read_bytes(), policy, directory)


def damaged(package: str, name: str, at: int) -> bytes:
    """A package with one bit of one file changed, written anew as the format asks."""
    files = zipform.read((GOLDEN / package).read_bytes())
    content = bytearray(files[name])
    content[at % len(content)] ^= 1
    return zipform.write(files | {name: bytes(content)})


def verdict_of(data: bytes) -> tabellion_verify.Report:
    return tabellion_verify.verify(data, tabellion_verify.read_trust((GOLDEN / "trust.txt").read_bytes()))


class SecondSignature(unittest.TestCase):
    def test_a_wrong_second_signature_is_broken_where_its_key_is_pinned(self) -> None:
        data = (GOLDEN / "hybrid.receipt").read_bytes()
        lines = data.split(b"\n")
        at = max(range(len(lines)), key=lambda number: len(lines[number]) if lines[number].startswith("—".encode()) else 0)
        line = bytearray(lines[at])
        line[1000] = ord("A") if line[1000] != ord("A") else ord("B")
        changed = b"\n".join([*lines[:at], bytes(line), *lines[at + 1 :]])
        both = tabellion_verify.read_trust((GOLDEN / "hybrid-trust.txt").read_bytes())
        told = {one.name: one for one in tabellion_verify.verify(changed, both).checks}["issuer"]
        whole = {one.name: one for one in tabellion_verify.verify(data, both).checks}["issuer"]
        self.assertEqual(whole.outcome, "holds", whole.detail)
        self.assertIn("checked too", whole.detail, "the reader is not told that the second signature was checked")
        self.assertEqual(told.outcome, "broken", "a wrong second signature passes where its key is pinned")


class Verdicts(unittest.TestCase):
    def test_every_golden_file_gets_its_verdict(self) -> None:
        """Requirement: B11, A18. Nothing but the file and the trust file is needed."""
        self.assertGreater(len(VERDICTS), 10, "the golden verdicts are gone and nothing would be compared")
        for what, wanted in VERDICTS.items():
            name, _, rest = what.partition(" with ")
            trust, _, keys = rest.partition(" by ")
            directory = tabellion_verify.read_directory((GOLDEN / keys).read_bytes()) if keys else None
            given = report(name, None if trust == "no trust file" else trust, directory)
            self.assertEqual(
                {check.name: check.outcome for check in given.checks},
                wanted["checks"],
                f"{what}: verifiers contradict each other",
            )
            if "levels" in wanted:
                self.assertEqual(given.facts.get("levels"), wanted["levels"], f"{what}: two verifiers, two levels")
            if "bounds" in wanted:
                self.assertEqual(given.facts.get("time_bounds"), wanted["bounds"], f"{what}: two verifiers, two times")
            self.assertEqual(given.exit_code, wanted["exit"], f"{what}: a script would act on another answer")

    def test_the_report_for_machines_has_the_members_of_the_format(self) -> None:
        told = report("erased.zip").to_json()
        self.assertEqual(
            sorted(told),
            ["aspects", "checks", "exit", "facts", "findings", "format", "scope", "subject", "verdict"],
            "whoever compares reports of several verifiers finds other members",
        )
        self.assertEqual({"answer", "outcome", "question", "rests_on"}, set(told["findings"][0]), "findings of another form")
        self.assertEqual(["existed at the time", "unaltered", "issued by whom"], [one["question"] for one in told["findings"]])
        self.assertEqual("tabellion.report/1", told["format"])

    def test_as_a_command_it_exits_as_the_report_says(self) -> None:
        for trust, wanted in (("trust.txt", 0), (None, 3)):
            command = [sys.executable, "-B", "-m", "tabellion_verify", str(GOLDEN / "plain.zip"), "--json"]
            command += ["--trust", str(GOLDEN / trust)] if trust else []
            ran = subprocess.run(command, cwd=REPOSITORY / "sdk/python", capture_output=True, check=False)
            self.assertEqual(ran.returncode, wanted, ran.stderr.decode())
            self.assertEqual(json.loads(ran.stdout)["exit"], wanted)
        ran = subprocess.run([*command[:4], "missing.zip"], cwd=REPOSITORY / "sdk/python", capture_output=True, check=False)
        self.assertEqual((ran.returncode, ran.stdout), (2, b""), "a missing file looks like a verdict")


class Aspects(unittest.TestCase):
    """Requirement: A19, R16. Signature, ledger inclusion, time and live source stay apart."""

    def outcomes(self, given: tabellion_verify.Report) -> dict[str, str]:
        return {row["aspect"]: row["outcome"] for row in given.aspects}

    def test_what_nobody_checked_is_never_fine(self) -> None:
        known = self.outcomes(report("erased.zip"))
        self.assertEqual(
            known,
            {"signature": "holds", "ledger inclusion": "holds", "time": "not checked", "live source": "not checked"},
            "the log's own clock passes for proof of time, or a log that nobody asked for a live one",
        )
        unknown = self.outcomes(report("erased.zip", None))
        self.assertEqual(set(unknown.values()), {"not checked"}, "a signature by anybody passes for one by somebody")

    def test_a_changed_report_breaks_the_signature_and_leaves_inclusion(self) -> None:
        """The signed list of files no longer fits; the records are where they were."""
        given = self.outcomes(verdict_of(damaged("plain.zip", "report.html", 0)))
        self.assertEqual((given["signature"], given["ledger inclusion"]), ("broken", "holds"), "two aspects are mixed up")

    def test_a_fault_anywhere_breaks_an_aspect(self) -> None:
        for name in zipfile.ZipFile(GOLDEN / "erased.zip").namelist():
            for at in (0, 1, 7):
                given = verdict_of(damaged("erased.zip", name, at))
                self.assertIn(given.verdict, ("broken", "malformed"), f"{name}, byte {at}")
                self.assertIn(
                    "broken", self.outcomes(given).values(), f"{name}, byte {at}: something is wrong and no aspect says so"
                )


class Directory(unittest.TestCase):
    """Requirement: W19. A valid signature by a key that nobody registered is called that."""

    def directory(self, **changes: object) -> tabellion_verify.Directory:
        row = {"key_id": "0" * 64, "organisation": "Demo", "valid_from": "2020-01-01"} | changes
        return tabellion_verify.read_directory(json.dumps({"format": "tabellion.key-directory/1", "keys": [row]}).encode())

    def check(self, name: str, directory: tabellion_verify.Directory) -> tuple[int, str, str]:
        given = report(name, "trust.txt", directory)
        found = given.find("key directory")
        return given.exit_code, found.outcome, found.detail

    def listed(self, name: str, **changes: object) -> tabellion_verify.Directory:
        """Everything that signs in a file, as one organisation's."""
        empty = tabellion_verify.read_directory(b'{"format":"tabellion.key-directory/1","keys":[]}')
        unknown = self.check(name, empty)[2].replace(";", " ").split()
        keys = {word for word in unknown if len(word) == 64}
        rows = [{"key_id": key, "organisation": "Demo", "valid_from": "2020-01-01"} | changes for key in sorted(keys)]
        return tabellion_verify.read_directory(json.dumps({"format": "tabellion.key-directory/1", "keys": rows}).encode())

    def test_an_unregistered_key_is_an_unknown_one(self) -> None:
        status, outcome, detail = self.check("plain.zip", self.directory())
        self.assertEqual((status, outcome), (3, "undetermined"), "a good signature by anybody passes")
        self.assertIn("valid signature by an unknown key", detail)
        aspects = {row["aspect"]: row["outcome"] for row in report("plain.zip", "trust.txt", self.directory()).aspects}
        self.assertEqual(aspects["signature"], "not checked", "the aspect says more than the directory")

    def test_a_registered_key_holds(self) -> None:
        status, outcome, detail = self.check("plain.zip", self.listed("plain.zip"))
        self.assertEqual((status, outcome), (0, "holds"), detail)
        self.assertIn("Demo", detail, "whose key it is does not reach the reader")

    def test_a_key_out_of_its_dates_or_revoked_is_broken(self) -> None:
        for changes in ({"valid_to": "2021-01-01"}, {"valid_from": "2030-01-01"}, {"revoked_at": "2025-06-01T12:00:00Z"}):
            status, outcome, detail = self.check("plain.zip", self.listed("plain.zip", **changes))
            self.assertEqual((status, outcome), (1, "broken"), f"{changes}: {detail}")

    def test_a_later_revocation_leaves_earlier_signatures(self) -> None:
        status, _, detail = self.check("record.receipt", self.listed("record.receipt", valid_to="2099-01-01"))
        self.assertEqual(status, 0, detail)

    def test_a_public_key_in_the_directory_checks_what_no_file_brings(self) -> None:
        """A transparent statement does not bring its actor's key; the reader's directory may have it."""
        actor = tabellion_verify.receipt.read((GOLDEN / "statement.receipt").read_bytes())
        kid = actor.entry.signed.kid if actor.entry.signed else ""
        clears = [one.read(Problems()).entry for one in actor.keys]
        keys = {one.record.facts["key"]["key_id"]: one.record.facts["key"]["public"] for one in clears if one and one.record}
        rows = [
            {"key_id": key, "organisation": "Demo", "valid_from": "2020-01-01", "public": base64.b64encode(public).decode()}
            for key, public in keys.items()
        ]
        text = json.dumps({"format": "tabellion.key-directory/1", "keys": rows})
        given = report("statement.cose", "trust.txt", tabellion_verify.read_directory(text.encode()))
        self.assertIn(kid, keys, "the golden receipt no longer brings its actor's key")
        self.assertEqual(given.find("statement signature").outcome, "holds", "an auditor who has the key cannot use it")
        self.assertEqual(given.exit_code, 0, given.to_text())

    def test_half_a_character_is_no_text(self) -> None:
        row = '{"key_id":"' + "0" * 64 + '","note":"%s","organisation":"A","valid_from":"2020-01-01"}'
        text = '{"format":"tabellion.key-directory/1","keys":[' + row + "]}"
        tabellion_verify.read_directory((text % r"\ud83d\ude00").encode())
        with self.assertRaises(tabellion_verify.Malformed, msg="one list of keys would have two readings"):
            tabellion_verify.read_directory((text % r"\ud800").encode())

    def test_a_directory_of_another_form_is_refused(self) -> None:
        good = {"key_id": "0" * 64, "organisation": "x", "valid_from": "2020-01-01"}
        for bad in ({"valid_from": "yesterday"}, {"key_id": "x"}, {"more": 1}, {"valid_from": "2020-13-01"}, {"public": "AAAA"}):
            text = json.dumps({"format": "tabellion.key-directory/1", "keys": [good | bad]})
            with self.assertRaises(tabellion_verify.Malformed, msg=f"{bad} is taken silently"):
                tabellion_verify.read_directory(text.encode())
        twice = json.dumps({"format": "tabellion.key-directory/1", "keys": [good, good]})
        with self.assertRaises(tabellion_verify.Malformed, msg="of two rows for one key nobody knows which counts"):
            tabellion_verify.read_directory(twice.encode())


if __name__ == "__main__":
    unittest.main()
