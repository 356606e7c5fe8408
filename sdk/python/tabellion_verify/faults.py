"""Two ways in which evidence can be wrong (docs/formats.md §12), kept apart because they end in different exit codes."""


class Malformed(ValueError):
    """A part that its reader refuses by itself, without looking at any other part."""


class Broken(ValueError):
    """Parts that can be read and do not agree: a hash, signature, proof, count, number, key or time."""
