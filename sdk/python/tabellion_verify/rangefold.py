"""What the range of a package holds, counted from its entries: units, types, numbers; and whether what is shown belongs there.

Source: docs/formats.md §11, §11.1 and the last paragraph of §12.
"""

from . import container, disclosures, entry, recordtypes, sources
from .disclosures import ErasedUnit, ShownUnit
from .faults import Malformed
from .jcs import Json
from .manifest import TOTALS, Manifest
from .numbers import Numbers
from .placed import Placed
from .record import Record
from .report import Problems


class RangeFold:
    """Goes once through the entries of the range."""

    def __init__(self, manifest: Manifest, files: dict[str, bytes], erased: list[ErasedUnit]) -> None:
        self.manifest = manifest
        self.disclosures, self.erasures = Problems(), Problems()
        self.totals = dict.fromkeys(TOTALS, 0)
        self.types: dict[str, int] = {}
        self.numbers = Numbers(manifest.first == 0)
        self.sources: list[dict[str, Json]] = []
        self.erased = {(line.index, line.unit): line for line in erased}
        self.claims: dict[int, list[ErasedUnit]] = {}  # by the entry that has to prove them
        for line in erased:
            self.claims.setdefault(line.tombstone, []).append(line)
        self.shown = self._read_shown(files)
        self.seen: set[tuple[int, str]] = set()  # units that a header of the range lists

    def _read_shown(self, files: dict[str, bytes]) -> dict[tuple[int, str], ShownUnit]:
        found: dict[tuple[int, str], ShownUnit] = {}
        for number in range(container.count_bundles(files)):
            name = container.disclosures_name(number)
            first = self.manifest.first + number * entry.BUNDLE_ENTRIES
            try:
                lines = disclosures.read_shown(files.get(name, b""))
            except Malformed as error:
                self.disclosures.malformed(f"{name}: {error}")
                continue
            if lines and self.manifest.disclosure == "none":
                self.disclosures.broken(f"{name}: the manifest says that nothing is disclosed")
            for line in lines:
                if not first <= line.index < first + entry.BUNDLE_ENTRIES:
                    self.disclosures.broken(f"{name}: entry {line.index} does not belong to the entries file of that number")
                found[(line.index, line.unit)] = line
        return found

    def fold(self, inside: list[Placed], outside: list[Placed]) -> None:
        self.sources = sources.rows_of(inside, self.manifest.first == 0)
        for one in inside:
            self.totals["entries"] += 1
            if one.entry is None:
                continue
            if one.entry.record is None:
                self.totals["seals"] += 1
                continue
            self.totals["statements" if one.entry.is_statement else "records"] += 1
            record = one.entry.record
            self.types[record.type] = self.types.get(record.type, 0) + 1
            self.numbers.observe(one.index, record)
            self._count_units(one.index, record)
        self._check_outside(outside, {one.index for one in inside})
        for key in self.shown.keys() - self.seen:
            self.disclosures.broken(f"entry {key[0]} of the range lists no unit {key[1]}, and it is shown")
        for key in self.erased.keys() - self.seen:
            self.erasures.broken(f"entry {key[0]} of the range lists no unit {key[1]}, and it is called erased")

    def _check_outside(self, outside: list[Placed], inside: set[int]) -> None:
        here = inside | {one.index for one in outside}
        for one in outside:
            if one.entry and one.entry.record and one.index not in inside:
                disclosures.check_tombstone(self.erasures, one.index, one.entry.record, self.claims.get(one.index, []))
        by_index = {one.index: one for one in outside}
        for line in self.erased.values():
            placed = by_index.get(line.tombstone)
            if line.tombstone not in here or (placed and placed.entry and placed.entry.record is None):
                self.erasures.broken(f"erasures.jsonl: entry {line.tombstone}, which should be a tombstone, is not here as one")

    def _count_units(self, index: int, record: Record) -> None:
        is_tombstone = record.type == recordtypes.ERASURE_DONE
        revealed = disclosures.check_tombstone(self.erasures, index, record, self.claims.get(index, []))
        names: set[str] = set()
        for unit in record.units:
            self.totals["units"] += 1
            self.seen.add((index, unit.id))
            line, erased = self.shown.get((index, unit.id)), (index, unit.id) in self.erased
            place = f"entry {index}, record {record.record_id}, unit {unit.id}"
            whole = is_tombstone and revealed.issuperset(unit.digests)
            if line:
                if is_tombstone:
                    self.disclosures.broken(f"{place}: a tombstone is shown in erasures.jsonl only")
                disclosures.check_fields(self.disclosures, place, line.disclosures, [unit], names)
                whole = whole or (not is_tombstone and len(line.disclosures) == len(unit.digests))
            if line and erased:
                self.erasures.broken(f"{place}: is proved erased and its content is shown")
            self.totals["erased" if erased else "shown" if whole else "withheld"] += 1

    def check_numbers(self, problems: Problems) -> str:
        for problem in self.numbers.problems:
            problems.broken(problem)
        unknown = self.numbers.open_epochs()
        return f"{len(self.numbers.epochs)} epochs without a gap; unknown after the last number of {unknown} that are not closed"

    def check_totals(self, problems: Problems) -> str:
        manifest = self.manifest
        for name, counted in self.totals.items():
            if manifest.totals[name] != counted:
                problems.broken(f"manifest.json: totals.{name} is {manifest.totals[name]} and {counted} were counted")
        if manifest.types != self.types:
            problems.broken("manifest.json: types is not what was counted")
        if (manifest.sources or []) != self.sources:
            problems.broken("manifest.json: sources is not what was counted")
        if manifest.epochs != self.numbers.rows():
            problems.broken("manifest.json: epochs is not what was counted")
        return "all as counted"
