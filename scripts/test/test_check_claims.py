"""The wording check must notice each kind of finding, and leave honest sentences alone."""

import unittest

from load import check

claims = check("check-claims")


class Claims(unittest.TestCase):
    def found(self, text, path="README.md"):
        return list(claims.findings(path, text))

    def test_a_claim_is_found_wherever_it_stands(self):
        for text in [
            "Tabellion makes you ISO 42001 compliant.",
            'let title = "certified by us";',
            "A tamper-proof log",
            "tamperproof",
            "It guarantees compliance.",
        ]:
            self.assertEqual(len(self.found(text)), 1, f"passed, and would go out to users: {text}")

    def test_a_denial_is_no_claim(self):
        for text in ["It never says compliant.", "This does not make anything tamper-proof.", "We don't call it certified."]:
            self.assertEqual(self.found(text), [], f"an honest sentence was refused: {text}")

    def test_test_code_may_look_for_a_word_but_golden_files_may_not_have_it(self):
        text = 'for word in ["compliant"] {'
        self.assertEqual(self.found(text, "crates/model/tests/it/words.rs"), [], "a test that looks for claims was refused")
        self.assertEqual(len(self.found("compliant", "crates/model/tests/golden/report.html")), 1, "a claim is handed out")

    def test_a_path_of_one_machine_is_found(self):
        self.assertEqual(len(self.found("cd /home/ada/tabellion")), 1, "nobody else has this path")
        self.assertEqual(self.found("see docs/work/in-progress and ./home/x"), [], "a relative path was refused")

    def test_a_registry_host_is_found_in_files_that_set_one(self):
        line = '"resolved": "https://registry.example/x.tgz"'
        self.assertEqual(len(self.found(line, "e2e/package-lock.json")), 1, "a clean machine would ask this host")
        self.assertEqual(self.found(line, "docs/x.md"), [], "prose sets nothing")
        own = '"resolved": "sqlite3", "link": true'
        self.assertEqual(self.found(own, "e2e/package-lock.json"), [], "a folder beside it is no host")


if __name__ == "__main__":
    unittest.main()
