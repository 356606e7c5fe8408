"""The check of references must notice an id that does not exist, and leave real ones and test code alone."""

import unittest

from load import check

references = check("check-references")
KNOWN = references.known_ids(references.CATALOGUE)


class References(unittest.TestCase):
    def found(self, text, path="docs/status.md"):
        return list(references.findings(path, text, KNOWN))

    def test_an_id_that_the_standard_does_not_have_is_found(self):
        for text in ["A.8.1 human oversight", "see A.6.1.4.", '"A.11.2"', "(A.9.1)", "A.6.2.9"]:
            self.assertEqual(len(self.found(text)), 1, f"a control that is not there would be shown: {text}")

    def test_controls_and_objectives_are_left_alone(self):
        for text in ["A.6.2.8, A.10.4 and A.6.1.", "ISA.8.1", "v1.A.8", "A.2 to A.10"]:
            self.assertEqual(self.found(text), [], f"a true sentence was refused: {text}")

    def test_unit_tests_in_source_may_name_wrong_ids(self):
        text = 'let known = "A.6.2.8";\n#[cfg(test)]\nlet wrong = "A.8.1";'
        self.assertEqual(self.found(text, "crates/model/src/catalogue.rs"), [], "a test that sees it refused was refused")
        self.assertEqual(len(self.found('let wrong = "A.8.1";', "crates/model/src/catalogue.rs")), 1, "product code names it")


if __name__ == "__main__":
    unittest.main()
