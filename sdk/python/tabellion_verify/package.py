"""The verifier of an evidence package: every check of docs/formats.md §12, in that order.

Goes on after a broken check wherever what follows can still be judged; believes nothing that the package says of itself.
"""

import hashlib

from . import alarms, anchors, container, cose, disclosures, entry, findings, note, placed, plans, shards, sourcekeys, sources, trust
from . import manifest as manifests
from .anchors import Surroundings
from .anchortrust import AnchorTrust
from .directory import Uses
from .faults import Broken, Malformed
from .keys import KeyChain
from .manifest import Manifest
from .note import Checkpoint
from .placed import Placed, RangeProof
from .policy import Policy
from .rangefold import RangeFold
from .report import BROKEN, HOLDS, MALFORMED, Problems, Report, micros
from .seals import Seals, needed_outside
from .tree import root_of_range


class _Stop(Exception):
    """Nothing that follows can be judged; the check that says why has been set."""


def verify(data: bytes, policy: Policy | None) -> tuple[Report, Uses]:
    run = _Run(data, policy)
    try:
        run.read()
        run.judge()
    except Malformed as error:
        run.report.set(run.check, MALFORMED, str(error))
    except _Stop:
        pass
    findings.of_package(run.report, run.witnessed)
    return run.report, run.uses


class _Run:
    def __init__(self, data: bytes, policy: Policy | None) -> None:
        self.data, self.policy = data, policy
        self.report = Report.planned("package", manifests.SCOPE, plans.PACKAGE)
        self.uses = Uses()
        self.check = "container"  # the one whose part is being read
        self.entries = Problems()
        self.witnessed: tuple[str, int] | None = None

    # What is read

    def read(self) -> None:
        self.files = container.open_package(self.data)
        self.report.set("container", HOLDS, f"{len(self.files)} files, {len(self.data)} bytes")
        self.check = "manifest"
        if container.anchors(self.files):
            self.report.add(plans.ANCHORS)
        self.manifest = manifests.read(self.files["manifest.json"])
        self.signature = cose.read_detached(self.files["manifest.cose"], cose.PACKAGE)
        self.report.set("manifest", HOLDS, f"{self.manifest.log}: {self.manifest.count} entries from {self.manifest.first}")
        self.report.facts |= _facts(self.manifest)
        self._check_files(self.manifest)
        self.check = "entries"
        self.inside = [one.read(self.entries) for one in self._range(self.manifest)]
        for one in self.inside:
            if one.entry and one.entry.record:
                entry.check_record(self.entries, one.index, one.entry.record, self.manifest.log, self.manifest.env)
        # Settled again when proof.json has been read: what it brings along is judged with the entries.
        self.report.settle("entries", self.entries, "each can be read")
        self.check = "tree"
        self.proof: RangeProof = placed.read_proof(self.files["proof.json"])
        self.checkpoint: Checkpoint = _checkpoint(self.files["checkpoint"])
        self.outside = [one.read(self.entries) for one in self.proof.extra]

    def _check_files(self, manifest: Manifest) -> None:
        problems = Problems()
        listed = {row["path"]: row for row in manifest.files}
        for name in sorted((set(self.files) - set(container.UNLISTED)) ^ set(listed)):
            problems.broken(f"{name}: is there and not listed, or listed and not there")
        for name, content in self.files.items():
            row = listed.get(name)
            if row and (row["size"], row["sha256"]) != (len(content), hashlib.sha256(content).hexdigest()):
                problems.broken(f"{name}: has another size or SHA-256 than the manifest lists")
        self.report.settle("files", problems, f"all {len(listed)} files have their listed SHA-256")

    def _range(self, manifest: Manifest) -> list[Placed]:
        """The entries of the range. Ends the run when the files cannot hold that range."""
        there, due = container.count_bundles(self.files), -(-manifest.count // entry.BUNDLE_ENTRIES)
        if there != due:
            self._stop("entries", f"{manifest.count} entries need {due} entries files and there are {there}")
        found: list[bytes] = []
        for number in range(there):
            name = container.bundle_name(number)
            try:
                bundle = entry.read_bundle(self.files[name])
            except Malformed as error:
                raise Malformed(f"{name}: {error}") from error
            if len(bundle) != min(entry.BUNDLE_ENTRIES, manifest.count - len(found)):
                self._stop("entries", f"{name} holds {len(bundle)} entries, which is not what the range needs there")
            found += bundle
        return [Placed(index, data, []) for index, data in enumerate(found, manifest.first)]

    def _stop(self, name: str, why: str) -> None:
        self.report.set(name, BROKEN, why)
        raise _Stop

    # What is judged

    def judge(self) -> None:
        manifest = self.manifest
        erased, unreadable = self._erased()
        self._check_entries({line.tombstone for line in erased}, unreadable is not None)
        self._check_tree()
        seals = Seals(manifest, self.inside, self.outside)
        chain = self._check_keys(seals)
        self.chain = chain
        self._check_signature("manifest signature", "package", seals)
        self._check_signature("checkpoint signature", "log", seals)
        claim = trust.Claim(manifest.log, chain.root, self._log_key(), self.checkpoint)
        self.report.set("issuer", *trust.judge(self.policy, claim))
        self.witnessed = trust.witnessed(self.policy, self.checkpoint)
        self._check_seals(seals)
        self._check_statements(seals)
        fold = RangeFold(manifest, self.files, erased)
        fold.fold(self.inside, self.outside)
        counts = fold.totals
        shown = f"units shown: {counts['shown']}, withheld: {counts['withheld']}"
        self.report.settle("disclosures", fold.disclosures, shown)
        if unreadable:
            self.check = "erasures"
            raise unreadable
        self.report.settle("erasures", fold.erasures, f"units erased: {counts['erased']}, each with its tombstone")
        for name, check in (("numbers", fold.check_numbers), ("period edges", seals.check_edges), ("totals", fold.check_totals)):
            problems = Problems()
            holds = check(problems)
            self.report.settle(name, problems, holds)
        sources.check(self.report, fold.sources)
        sourcekeys.check(self.report, self.inside)
        self._check_times(seals)
        alarms.check(self.report, self.inside + self.outside)
        shards.check(self.report, self.inside)

    def _check_times(self, seals: Seals) -> None:
        """What clocks outside the log say: anchors in the package, and the witnesses of its checkpoint."""
        bounds = anchors.by_witness(self.checkpoint, self.witnessed) if self.report.find("issuer").outcome == HOLDS else []
        if names := container.anchors(self.files):
            believed = self.policy.anchors if self.policy else AnchorTrust()
            around = Surroundings(self.manifest, self.checkpoint, self.chain, believed)
            bounds = anchors.check(self.report, {name: self.files[name] for name in names}, around) + bounds
        if bounds:
            anchors.check_times(self.report, bounds, self.manifest.first, self.manifest.end, seals.of_range())

    def _erased(self) -> tuple[list[disclosures.ErasedUnit], Malformed | None]:
        """The lines of erasures.jsonl; what cannot be read is said in its own place in the order."""
        try:
            return disclosures.read_erased(self.files["erasures.jsonl"]), None
        except Malformed as error:
            return [], Malformed(f"erasures.jsonl: {error}")

    def _check_entries(self, tombstones: set[int], unknown: bool) -> None:
        """That proof.json brings nothing that is not needed."""
        manifest = self.manifest
        for one in self.outside:
            if manifest.first <= one.index < manifest.end:
                self.entries.broken(f"proof.json: extra repeats entry {one.index} of the range")
            elif one.entry and one.entry.seal and not needed_outside(manifest, one.index, one.entry.seal):
                self.entries.broken(f"proof.json: extra entry {one.index} is a seal that this package does not need")
            elif one.entry and one.entry.record and not self._is_needed(one, tombstones, unknown):
                self.entries.broken(f"proof.json: extra entry {one.index} is none that this package needs")
        self.report.settle("entries", self.entries, f"{manifest.count} in the range, {len(self.outside)} brought along")

    @staticmethod
    def _is_needed(one: Placed, tombstones: set[int], unknown: bool) -> bool:
        if one.entry is None or unknown or one.index in tombstones:
            return True
        return one.entry.is_key_record or alarms.is_alarm(one.entry.record)

    def _check_tree(self) -> None:
        problems, manifest, checkpoint = Problems(), self.manifest, self.checkpoint
        try:
            leaves = [one.leaf for one in self.inside]
            root = root_of_range(manifest.first, leaves, self.proof.left, self.proof.right, manifest.size)
            if (checkpoint.origin, checkpoint.size) != (manifest.log, manifest.size):
                problems.broken(f"the checkpoint is of {checkpoint.origin} at size {checkpoint.size}")
            elif root != checkpoint.root:
                problems.broken("an entry was changed, removed, added or moved, or this is the checkpoint of another tree")
        except Broken as error:
            problems.broken(str(error))
        for one in self.outside:
            one.check_path(problems, manifest.size, checkpoint.root)
        self.report.settle("tree", problems, f"the entries give root {checkpoint.root.hex()} of size {manifest.size}")

    def _check_keys(self, seals: Seals) -> KeyChain:
        problems, chain = Problems(), None
        try:
            first = next((one for one in self.inside + self.outside if one.index == 0), None)
            if first is None or first.entry is None:
                raise Broken("the genesis is not here")
            chain = KeyChain(first.entry, first.data)
            for one in sorted(self.inside + self.outside, key=lambda one: one.index):
                if one.index > 0 and one.entry and one.entry.is_key_record:
                    chain.apply(one.index, one.entry)
        except Broken as error:
            problems.broken(f"the chain of key records: {error}")
        if chain:
            seals.check_keys(problems, chain)
            self.uses.add(chain.root_id, "root", self.report.subject)
        self.report.settle("keys", problems, f"{len(chain.indexes) if chain else 0} key records, none left out")
        if chain is None:
            raise _Stop
        return chain

    def _log_key(self) -> bytes | None:
        """The key that should have signed the checkpoint, whether it has or not."""
        try:
            return self.chain.in_force("log", self.manifest.size).public
        except Broken:
            return None

    def _check_signature(self, name: str, purpose: str, seals: Seals) -> None:
        """The manifest's or the checkpoint's signature, by the key in force at the end of the tree."""
        try:
            key = self.chain.in_force(purpose, self.manifest.size)
            if purpose == "log":
                self.checkpoint.note.verify(note.VerifierKey(self.manifest.log, note.ED25519, key.public))
            elif self.signature.kid != key.id:
                raise Broken(f"signed by {self.signature.kid}, which is not the package key in force")
            else:
                self.signature.verify(key.public, self.files["manifest.json"])
        except Broken as error:
            self.report.set(name, BROKEN, str(error))
            return
        self.report.set(name, HOLDS, f"signed by the {purpose} key in force, {key.id}")
        self.uses.add(key.id, purpose, name, seals.last_time)

    def _check_seals(self, seals: Seals) -> None:
        problems = Problems()
        seals.check(problems, self.chain)
        self.report.settle("seals", problems, seals.summary())
        if span := seals.span():
            self.report.facts |= {"first_commit": micros(span[0]), "last_commit": micros(span[1])}
        for one in self.inside:
            if one.entry and one.entry.seal and one.entry.signed:
                kid = one.entry.signed.kid
                self.uses.add(kid, "writer", f"seal at entry {one.index}", one.entry.seal.committed_at)

    def _check_statements(self, seals: Seals) -> None:
        problems, count = Problems(), 0
        for one in self.inside:
            if one.entry is None or not one.entry.is_statement or one.entry.is_key_record:
                continue
            count += 1
            try:
                signer = self.chain.check_statement(one.index, one.entry)
                self.uses.add(signer, "actor", f"statement at entry {one.index}", seals.time_of(one.index))
            except Broken as error:
                problems.broken(f"entry {one.index}: {error}")
        self.report.settle("statements", problems, f"statements: {count}, each by a key in force")


def _facts(manifest: Manifest) -> dict[str, object]:
    names = ("log", "env", "genesis", "size", "first", "count", "disclosure", "software", "framework")
    facts = {name: getattr(manifest, name) for name in names if getattr(manifest, name) is not None}
    if manifest.period:
        facts["period"] = f"{micros(manifest.period['from'])} to {micros(manifest.period['to'])}"
    totals = manifest.totals
    facts["units"] = f"{totals['shown']} shown, {totals['erased']} erased, {totals['withheld']} withheld of {totals['units']}"
    return facts


def _checkpoint(data: bytes) -> Checkpoint:
    try:
        return note.read_checkpoint(data)
    except Malformed as error:
        raise Malformed(f"checkpoint: {error}") from error
