"""The numbers of outside sources: counted the same whatever the order in which they come."""

import random
import unittest

from tabellion_verify.sources import Spans


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


if __name__ == "__main__":
    unittest.main()
