"""The demo's requests: what they say about themselves must hold, or the demo shows something else than it tells."""

import json
import re
import unittest
from collections import Counter
from pathlib import Path

LOAN_SUPPORT = Path(__file__).resolve().parents[2] / "examples/demo/loan-support"
MEMBERS = {"name", "why", "key", "purpose", "peer", "expect", "masks", "request", "body"}
EXPECT = re.compile(r"answered|streamed|(denied|failed):[a-z_]+|refused:[45]\d\d")
EMAIL = re.compile(r"[\w.]+@[\w.]+\.example\.org")
CARD = re.compile(r"\b(?:\d[ -]?){15}\d\b")
IBAN = re.compile(r"\b[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")


def card_holds(digits):
    doubled = [sum(divmod(2 * int(digit), 10)) if place % 2 else int(digit) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def iban_holds(iban):
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def personal_data(text):
    ibans = [match for match in IBAN.findall(text) if iban_holds(match.replace(" ", ""))]
    for iban in ibans:
        text = text.replace(iban, "")
    found = {
        "email": len(EMAIL.findall(text)),
        "iban": len(ibans),
        "payment_card": sum(card_holds(re.sub(r"\D", "", match)) for match in CARD.findall(text)),
    }
    return {kind: count for kind, count in found.items() if count}


class DemoRequests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.organisation = json.loads((LOAN_SUPPORT / "organisation.json").read_text(encoding="utf-8"))
        cls.lines = [json.loads(line) for line in (LOAN_SUPPORT / "requests.jsonl").read_text(encoding="utf-8").splitlines()]

    def test_each_line_is_whole_and_its_name_its_own(self):
        self.assertEqual(max(Counter(line["name"] for line in self.lines).values()), 1)
        keys = {key["name"] for key in self.organisation["keys"]}
        for line in self.lines:
            with self.subTest(line["name"]):
                self.assertLessEqual(set(line), MEMBERS)
                self.assertEqual(("request" in line) + ("body" in line), 1)
                self.assertIn(line["key"], keys)
                self.assertRegex(line["expect"], EXPECT)
                self.assertEqual(line["expect"] == "streamed", line.get("request", {}).get("stream", False) and ":" not in line["expect"])

    def test_a_dozen_are_for_the_real_model_and_every_kind_of_end_is_there(self):
        self.assertEqual(sum(line["peer"] == "real" for line in self.lines), 12)
        self.assertGreaterEqual(len(self.lines), 40)
        ends = {line["expect"].split(":")[0] for line in self.lines}
        self.assertEqual(ends, {"answered", "streamed", "denied", "refused", "failed"})

    def test_personal_data_is_announced_and_nothing_else(self):
        for line in self.lines:
            with self.subTest(line["name"]):
                text = line.get("body") or json.dumps(line["request"], ensure_ascii=False)
                text = re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text)
                self.assertEqual(personal_data(text), line.get("masks", {}))

    def test_systems_keys_and_owners_fit_together(self):
        people = {person["id"] for person in self.organisation["people"]}
        purposes = {system["name"]: set(system["purposes"]) for system in self.organisation["systems"]}
        self.assertLessEqual({system["owner"] for system in self.organisation["systems"]}, people)
        for key in self.organisation["keys"]:
            self.assertLessEqual(set(key["purposes"]), purposes[key["system"]], key["name"])
