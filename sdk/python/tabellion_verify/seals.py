"""The seals of a package: one for each batch, over its leaves, by the writer; and the edges of the range.

Source: docs/formats.md §5, and §11.2 for the seals outside the range.
"""

import bisect
from collections.abc import Sequence

from . import tree
from .entry import Seal
from .faults import Broken
from .keys import KeyChain
from .manifest import Manifest
from .placed import Placed
from .report import Problems, micros


def needed_outside(manifest: Manifest, index: int, seal: Seal) -> bool:
    """Whether a package has to bring along this seal from outside its range."""
    after = index > manifest.end and seal.first == manifest.end
    return after or index in (manifest.first - 1, manifest.size - 1)


class Seals:
    """The seals of the range and, apart, those that proof.json brings along."""

    def __init__(self, manifest: Manifest, inside: Sequence[Placed], outside: Sequence[Placed]) -> None:
        self.manifest = manifest
        self.inside = [one for one in inside if one.entry and one.entry.seal]
        self.outside = [
            one for one in outside if one.entry and one.entry.seal and needed_outside(manifest, one.index, one.entry.seal)
        ]
        self.leaves = [one.leaf for one in inside]

    @staticmethod
    def _seal(one: Placed) -> Seal:
        if one.entry is None or one.entry.seal is None:
            raise TypeError("only seals are kept here")
        return one.entry.seal

    def _at(self, index: int) -> Seal | None:
        return next((self._seal(one) for one in self.inside + self.outside if one.index == index), None)

    def check_keys(self, problems: Problems, chain: KeyChain) -> None:
        """The key records are complete: every known seal counts them, and the last entry of the tree is one (§6)."""
        manifest = self.manifest
        said = (manifest.log, manifest.env, manifest.tenant, manifest.genesis, manifest.keys)
        if said != (chain.origin, chain.env, chain.tenant, chain.genesis_hash.hex(), chain.version):
            problems.broken(
                "the manifest names another log, env, tenant, genesis or number of key records than the chain of keys"
            )
        if self._at(manifest.size - 1) is None:
            problems.broken(f"entry {manifest.size - 1}, the last of the tree, is not here as a seal")
        for one in self.inside + self.outside:
            if self._seal(one).keys != chain.before(one.index):
                problems.broken(f"the seal at entry {one.index} counts other key records than are here before it")

    def check(self, problems: Problems, chain: KeyChain) -> None:
        """Root, place, order, time and signature."""
        before = self._at(self.manifest.first - 1)
        due, last_time = self.manifest.first, before.committed_at if before else None
        for one in self.inside:
            seal = self._seal(one)
            begin, end = seal.first - self.manifest.first, one.index - self.manifest.first
            if seal.first != due:
                problems.broken(f"seal at entry {one.index}: covers from {seal.first}, and its batch begins at {due}")
            elif tree.root_of(self.leaves[begin:end]) != seal.root:
                problems.broken(f"seal at entry {one.index}: entries {due} to {one.index - 1} are not the ones it sealed")
            if last_time is not None and seal.committed_at < last_time:
                problems.broken(f"seal at entry {one.index}: its commit time is before that of the seal before it")
            last_time = max(seal.committed_at, last_time or seal.committed_at)
            due = one.index + 1
        for one in self.outside:
            if one.index >= self.manifest.end and last_time is not None and self._seal(one).committed_at < last_time:
                problems.broken(f"seal at entry {one.index}: its commit time is before that of an earlier seal")
        for one in self.inside + self.outside:
            self._check_one(problems, one, chain)

    def _check_one(self, problems: Problems, one: Placed, chain: KeyChain) -> None:
        try:
            check_seal(one, self.manifest.log, chain)
        except Broken as error:
            problems.broken(f"seal at entry {one.index}: {error}")

    def check_edges(self, problems: Problems) -> str:
        """Whole batches and, with a period, exactly the batches of it. Gives the text for when that holds."""
        manifest = self.manifest
        before = self._at(manifest.first - 1)
        after = next((one for one in self.outside if one.index >= manifest.end), None)
        if manifest.first > 0 and before is None:
            problems.broken(f"entry {manifest.first - 1} is not here as a seal: the range may begin inside a batch")
        if manifest.count and (not self.inside or self.inside[-1].index != manifest.end - 1):
            problems.broken("the range does not end with a seal: its last batch is not whole")
        if manifest.end < manifest.size and (after is None or self._seal(after).first != manifest.end):
            problems.broken("the first seal after the range is not here")
        if manifest.period is None:
            return "the range is whole batches; no period was asked for"
        begin, end = manifest.period["from"], manifest.period["to"]
        for one in self.inside:
            if not begin <= self._seal(one).committed_at < end:
                problems.broken(f"seal at entry {one.index}: its commit time is outside the period")
        if (before and before.committed_at >= begin) or (after and self._seal(after).committed_at < end):
            problems.broken("a batch beside the range belongs to the period and is left out")
        later = "" if after else f"; as of size {manifest.size}, later batches may still belong to it"
        return f"every batch from {micros(begin)} to {micros(end)}{later}"

    def of_range(self) -> list[tuple[int, Seal]]:
        """The seals of the range with their index, in order."""
        return [(one.index, self._seal(one)) for one in self.inside]

    def summary(self) -> str:
        span = self.span()
        return f"batches: {len(self.inside)}, committed from {micros(span[0])} to {micros(span[1])}" if span else "no batch"

    def time_of(self, index: int) -> int | None:
        """Commit time of the batch of an entry in the range."""
        at = bisect.bisect_left(self.inside, index, key=lambda one: one.index)
        return self._seal(self.inside[at]).committed_at if at < len(self.inside) else None

    def span(self) -> tuple[int, int] | None:
        """Commit times of the first and the last batch of the range."""
        if not self.inside:
            return None
        return self._seal(self.inside[0]).committed_at, self._seal(self.inside[-1]).committed_at

    @property
    def last_time(self) -> int | None:
        """The latest commit time that is known here; the checkpoint is not older."""
        return max((self._seal(one).committed_at for one in self.inside + self.outside), default=None)


def check_seal(one: Placed, log: str, chain: KeyChain) -> None:
    """Made for this log and place, and signed by the writer key in force. Raises `Broken` otherwise."""
    seal, signed = (one.entry.seal, one.entry.signed) if one.entry else (None, None)
    if seal is None or signed is None:
        raise Broken("is no seal")
    if (seal.log, seal.first + seal.count) != (log, one.index):
        raise Broken(f"was made for entry {seal.first + seal.count} of {seal.log}")
    key = chain.in_force("writer", one.index)
    if signed.kid != key.id:
        raise Broken(f"is signed by {signed.kid}, which is not the writer key in force")
    signed.verify(key.public)
