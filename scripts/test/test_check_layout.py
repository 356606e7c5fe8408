"""The layout check must notice a wrong arrow, an impure call, a long file, a module without its promise."""

import unittest

from load import check

layout = check("check-layout")


def package(name, *dependencies):
    return {"name": name, "dependencies": [{"name": to, "kind": kind} for to, kind in dependencies]}


class Layout(unittest.TestCase):
    def test_an_arrow_that_points_back_is_found(self):
        packages = [package("tabellion-tlog"), package("tabellion-model", ("tabellion-tlog", None))]
        self.assertEqual(list(layout.arrows(packages)), [], "the drawn arrow was refused")
        packages[0] = package("tabellion-tlog", ("tabellion-model", None))
        self.assertEqual(len(list(layout.arrows(packages))), 1, "the tree code could come to depend on the record types")

    def test_the_test_kit_is_for_tests_only(self):
        for kind, expected in [("dev", 0), (None, 1)]:
            packages = [package("tabellion-testkit"), package("tabellion-ledger", ("tabellion-testkit", kind))]
            self.assertEqual(len(list(layout.arrows(packages))), expected, f"kind {kind}: fault injection in the product?")

    def test_a_crate_nobody_drew_is_found(self):
        self.assertEqual(len(list(layout.arrows([package("tabellion-new")]))), 1, "a crate without a place on the map")

    def test_a_pure_crate_stays_pure(self):
        text = "//! Pure.\nfn now() -> SystemTime { SystemTime::now() }\n"
        self.assertEqual(len(list(layout.module("crates/model/src/a.rs", text))), 1, "two verifiers could disagree by the clock")
        self.assertEqual(list(layout.module("crates/ledger/src/a.rs", text)), [], "the ledger has a clock")
        tests = "//! Pure.\n#[cfg(test)]\nmod tests { fn f() { std::fs::read(\"x\"); } }\n"
        self.assertEqual(list(layout.module("crates/model/src/a.rs", tests)), [], "unit tests may read golden files")

    def test_long_files_and_silent_modules_are_found(self):
        long = "//! Long.\n" + "fn f() {}\n" * 600
        self.assertEqual(len(list(layout.module("crates/app/src/a.rs", long))), 1, "a file with many reasons to change")
        self.assertEqual(len(list(layout.module("crates/app/src/a.rs", "fn f() {}\n"))), 1, "a module that promises nothing")
        self.assertEqual(list(layout.module("x/a.rs", "#![allow(x)]\n//! Said.\n")), [], "a lint line before the promise")


if __name__ == "__main__":
    unittest.main()
