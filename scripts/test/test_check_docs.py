"""The document check must notice links, targets, commands and options that are not there."""

import unittest
from pathlib import Path

from load import check

docs = check("check-docs")

HELP = {
    (): "Commands:\n  log\n  verify\n\nOptions:\n  --help",
    ("log",): "Commands:\n  show\n\nOptions:\n  --dir <DIR>",
    ("log", "show"): "Options:\n  --json",
    ("verify",): "Options:\n  --trust <FILE>",
}


class Documents(unittest.TestCase):
    def commands(self, text):
        return list(docs.unknown_commands("README.md", text, HELP.get))

    def test_a_dead_link_is_found(self):
        text = "[a](docs/a.md) [b](docs/b.md#part) [web](https://example.org/x) [here](#part)"
        found = list(docs.broken_links("README.md", text, lambda path: path == "docs/a.md"))
        self.assertEqual(len(found), 1, f"exactly b is dead: {found}")

    def test_a_link_is_relative_to_its_page(self):
        found = list(docs.broken_links("docs/x/y.md", "[a](../a.md)", lambda path: path == "docs/x/../a.md"))
        self.assertEqual(found, [], "a link up one folder was refused")

    def test_a_missing_path_is_found(self):
        found = list(docs.missing_paths("A.md", "see `crates/tlog` and `crates/tlgo/src`, not `a/b`", lambda path: path == "crates/tlog"))
        self.assertEqual(len(found), 1, f"exactly tlgo is missing: {found}")

    def test_an_unknown_make_target_is_found(self):
        self.assertEqual(len(list(docs.unknown_targets("README.md", "run `make tset`", {"test"}))), 1, "a reader would type it")
        self.assertEqual(list(docs.unknown_targets("README.md", "they make tests", {"test"})), [], "prose is no command")

    def test_a_test_that_is_gone_is_found(self):
        sources = {"tabellion-ledger": "mod crash;\nfn nothing_is_lost() {}"}.get
        found = lambda text: list(docs.missing_tests("README.md", text, sources))
        self.assertEqual(found("`cargo test -p tabellion-ledger --test it crash::nothing_is_lost`"), [], "a real test refused")
        self.assertEqual(len(found("`cargo test -p tabellion-ledger --test it nothing_was_lost`")), 1, "a promise without a test")
        self.assertEqual(len(found("`cargo test -p tabellion-lodger`")), 1, "no such crate")

    # Requirement: R28
    def test_every_threat_is_tried_or_no_goal(self):
        rows = "| threat | against | tried by |\n|---|---|---|\n| a | b | `cargo test -p tabellion-model` |\n| a | *no goal*: b | c |\n"
        self.assertEqual(list(docs.untried_threats(docs.THREATS, rows)), [], "a row that is tried was refused")
        untried = list(docs.untried_threats(docs.THREATS, rows + "| a | b | somebody looks |\n"))
        self.assertEqual(len(untried), 1, f"exactly the last row rests on nothing: {untried}")
        self.assertEqual(len(list(docs.untried_threats(docs.THREATS, ""))), 1, "an empty threat model passes")
        path = Path(docs.__file__).parent.parent / docs.THREATS
        text = path.read_text(encoding="utf-8")
        self.assertEqual(list(docs.untried_threats(docs.THREATS, text)), [], "ours has a threat that nothing tries")
        for non_goal in ["compromised", "stolen key", "insider", "garbage in"]:
            self.assertIn(non_goal, text, "a known limit is not stated")

    def test_an_unknown_command_is_found(self):
        self.assertEqual(len(self.commands("```\ntabellion vrify x.zip\n```")), 1, "a reader would type it")
        self.assertEqual(self.commands("```\n$ target/debug/tabellion verify x.zip --trust t\n```"), [], "a real command refused")
        self.assertEqual(self.commands("a tabellion was a notary"), [], "prose is no command")
        self.assertEqual(self.commands("`cargo test -p tabellion --test it`"), [], "the crate is not the program")

    def test_an_unknown_option_is_found(self):
        self.assertEqual(len(self.commands("`tabellion log show 3 --dir d`")), 1, "`log show` here has no --dir")
        self.assertEqual(self.commands("`tabellion log show 3 --json`"), [], "a real option was refused")


if __name__ == "__main__":
    unittest.main()
