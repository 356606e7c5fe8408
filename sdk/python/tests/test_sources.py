"""The numbers of outside sources: counted the same whatever the order in which they come."""

import random
import unittest

from tabellion_verify.sources import Spans, _Epoch


class Numbers(unittest.TestCase):
    def test_a_set_of_numbers_is_that_whatever_the_order(self) -> None:
        seed = 0x5EED
        chance = random.Random(seed)
        for _ in range(200):
            spans, held = Spans(), set[int]()
            for _ in range(30):
                first = chance.randint(1, 60)
                last = first + chance.randint(0, 5)
                numbers = set(range(first, last + 1))
                self.assertEqual(spans.insert(first, last), not numbers <= held, f"a number would be counted twice (seed {seed})")
                held |= numbers
            missing = {number for first, last in spans.missing(1, 70) for number in range(first, last + 1)}
            self.assertEqual(missing, set(range(1, 71)) - held, f"a hole would not be named (seed {seed})")
            self.assertEqual(spans.count(), len(held), f"numbers would be lost (seed {seed})")

    def test_losses_beyond_the_count_that_the_source_signed_are_told_apart(self) -> None:
        epoch = _Epoch()
        for seq in (1, 3):
            epoch.seen.insert(seq, seq)
            epoch.accounted.insert(seq, seq)
        epoch.accounted.insert(2, 9)
        self.assertIsNone(epoch.unsigned_lost(), "a count that nobody signed is the source's word")
        for signed, told in (((1, 9, 7), None), ((1, 9, 4), 3), ((1, 3, 0), 1)):
            epoch.signed = signed
            self.assertEqual(epoch.unsigned_lost(), told, f"whoever has the API key overrules the source, or its own word is held against it: {signed}")


if __name__ == "__main__":
    unittest.main()
