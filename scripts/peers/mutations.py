"""Four verifiers over one corpus of damaged and forged evidence: nothing may go unnoticed, and all must say the same.

    mutations.py [--short] [--only CORPUS] [DIRECTORY]

`tabellion-verify` must be in PATH; DIRECTORY is as fixture.sh makes it and is needed for the openssl path only.

    whole          the golden evidence as it is, with its trust file, with another and with none
    every byte     one bit of every byte of the golden evidence changed
    forged bytes   the same inside the files of packages, under a container that is put right: what a forger would do
    second key     one bit of every byte of every ML-DSA-44 signature, of a log and of a witness, whose key the trust file names
    keys           the golden evidence for a reader with a key directory: one that lists every key, and one that does not
    others         evidence made by web/verify/test/dump.mjs: records removed, reordered, repeated and replaced; forked trees;
                   disclosures, receipts and signatures carried over from elsewhere; every member of every part misshapen; open alarms; root logs
                   that contradict themselves about a shard; verification runs wrong in one place;
                   every byte of anchors' evidence changed by somebody who has all of the log's keys
    VERIFY.txt     a sample of bytes of a real package changed, where openssl and sha256sum are asked too: their commands take a third of a second for each
                   change, so that all bytes of a package of 400 KB would take a day and a half

Prints a table: for each corpus how many cases each verifier noticed, and how often they disagreed, in exit status or in the
first check that fails, or in the four aspects where nothing fails. Fails when anything that must be noticed was not, or when
verifiers disagree.
"""

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import damage
import verifiers

GOLDEN = verifiers.ROOT / "crates/model/tests/golden/packages"
EVIDENCE = [
    *("erased.zip", "period.zip", "plain.zip", "rotated.zip", "rooted.zip", "unregistered.zip"),
    *("record.receipt", "statement.receipt", "statement.cose", "registered.cose", "whole.run"),
]
# One of each kind, the richest. What a root log's package says of shards is forged in dump.mjs: in others every byte is the same.
FLIPPED = ["erased.zip", "record.receipt", "statement.receipt", "statement.cose", "registered.cose", "whole.run"]
NOTICED = ["alarm.zip", "conflict.zip", "broken.run", "ended.run"]  # well made and well signed, and something is wrong with what they say
SECOND_SIGNED = [("hybrid.receipt", "hybrid-trust.txt"), ("cosigned.receipt", "cosigned-trust.txt")]
ML_DSA_LINE, KEY_ID_BYTES = 3000, 4  # characters that only a line with an ML-DSA-44 signature has; what such a line begins with
SHORT_STEP = 149  # of the bytes, in the short run: about 120 of a package
NO_BOUNDS = verifiers.outside(None, None)
BATCH = 2_000  # files on disk at a time; 40 MB
SAMPLES_PER_FILE = 8  # of the files of a package that openssl is asked about; each takes it a third of a second


@dataclass(frozen=True)
class Case:
    corpus: str
    name: str
    path: Path
    trust: Path | None
    verdict: str | None  # "holds", "noticed", "dated", or None where verifiers have to agree and no more
    keys: Path | None = None
    like: str | None = None  # the case whose time bounds this one may have when it holds, where the verdict is "dated"

    def fails(self, exit_status: int, bounds: str | None, of_whole: dict[str, str | None]) -> bool:
        if self.verdict == "dated":
            return exit_status == 0 and bounds not in (NO_BOUNDS, of_whole.get(self.like or ""))
        return (self.verdict == "noticed" and exit_status == 0) or (self.verdict == "holds" and exit_status != 0)


@dataclass
class Row:
    cases: int = 0
    undetected: int = 0
    disagreements: int = 0
    noticed: dict[str, int] | None = None
    whole: dict[str, str | None] = field(default_factory=dict)  # time bounds of whole cases, by name

    def add(self, case: Case, answers: dict[str, tuple]) -> str | None:
        """Counts one case. Gives what there is to say about it, if anything."""
        self.cases += 1
        self.noticed = self.noticed or {}
        for name, (status, *_) in answers.items():
            self.noticed[name] = self.noticed.get(name, 0) + (status != 0)
        if case.verdict == "holds":
            self.whole[case.name] = next(iter(answers.values()))[3]
        wrong = [name for name, (status, _, _, bounds) in answers.items() if case.fails(status, bounds, self.whole)]
        self.undetected += bool(wrong)
        aspects = {said for _, _, said, _ in answers.values() if said is not None}
        differ = len({(status, checks, bounds) for status, checks, _, bounds in answers.values()}) > 1 or len(aspects) > 1
        self.disagreements += differ
        if not wrong and not differ:
            return None
        said = ", ".join(
            f"{name} {status} {dict(checks) if len(checks) == 1 else ''} {bounds if bounds != NO_BOUNDS else ''}"
            for name, (status, checks, _, bounds) in answers.items()
        )
        if len(aspects) > 1:
            said += f"; aspects {aspects}"
        return f"{case.corpus}: {case.name}: {'NOT NOTICED, ' if wrong else ''}{said}"


def whole(_: Path) -> Iterator[Case]:
    for name in EVIDENCE:
        for trust in ("trust.txt", "wrong-trust.txt", None):
            verdict = "holds" if trust == "trust.txt" else "noticed"
            yield Case("whole", f"{name} with {trust}", GOLDEN / name, GOLDEN / trust if trust else None, verdict)


def registered(_: Path) -> Iterator[Case]:
    """For a reader with a key directory, and for one who is told of outside clocks."""
    for name, keys, verdict in (
        *(("plain.zip", keys, verdict) for keys, verdict in (("keys.json", "holds"), ("few-keys.json", "noticed"))),
        *(("statement.receipt", keys, verdict) for keys, verdict in (("keys.json", "holds"), ("few-keys.json", "noticed"))),
        *(("whole.run", keys, verdict) for keys, verdict in (("keys.json", "holds"), ("few-keys.json", "noticed"))),
        ("rotated.zip", "keys.json", None),
        ("statement.cose", "keys.json", None),
    ):
        yield Case("keys", f"{name} by {keys}", GOLDEN / name, GOLDEN / "trust.txt", verdict, GOLDEN / keys)
    clocks = (
        *(("anchored.zip", "anchored-trust.txt", "holds"), ("witnessed.zip", "witnessed-trust.txt", "holds")),
        *((name, trust, "holds") for name, trust in SECOND_SIGNED),
        *(("hybrid.receipt", "second-alone-trust.txt", "holds"), ("record.receipt", "second-alone-trust.txt", "noticed")),
    )
    for name, trust, verdict in (*clocks, ("late.zip", "witnessed-trust.txt", "noticed"), *((name, "trust.txt", "noticed") for name in NOTICED)):
        yield Case("keys", f"{name} with {trust}", GOLDEN / name, GOLDEN / trust, verdict)


def flips(scratch: Path, step: int) -> Iterator[Case]:
    """One bit of every byte, a different one from byte to byte."""
    trust = GOLDEN / "trust.txt"
    for name in FLIPPED:
        data = (GOLDEN / name).read_bytes()
        for at in range(0, len(data), step):
            changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
            yield Case("every byte", f"{name} byte {at}", written(scratch, f"{name}-{at}", changed), trust, "noticed")
        if name.endswith(".zip"):
            yield from forged(scratch, name, data, step, trust)


def second_signatures(scratch: Path, step: int) -> Iterator[Case]:
    """Of the log and of a witness. A line under another key id is nobody's that the reader knows: what that says is for them to agree on."""
    for name, trust in SECOND_SIGNED:
        lines = (GOLDEN / name).read_bytes().split(b"\n")
        for number, line in enumerate(lines):
            signer, _, encoded = line.rpartition(b" ")
            if not line.startswith("— ".encode()) or len(encoded) < ML_DSA_LINE:
                continue
            blob = base64.b64decode(encoded, validate=True)
            for at in range(0, len(blob), step):
                changed = base64.b64encode(blob[:at] + bytes([blob[at] ^ 1 << at % 8]) + blob[at + 1 :])
                data = b"\n".join([*lines[:number], signer + b" " + changed, *lines[number + 1 :]])
                path = written(scratch, f"{name}-{number}-{at}", data)
                verdict = "noticed" if at >= KEY_ID_BYTES else None
                yield Case("second key", f"{name} line {number} byte {at}", path, GOLDEN / trust, verdict)


def forged(scratch: Path, name: str, data: bytes, step: int, trust: Path) -> Iterator[Case]:
    for member in damage.members(data):
        for at in range(0, member.file_size, step):
            changed = damage.repack(damage.flip(data, member, at, at % 8), member)
            path = written(scratch, f"{name}-{member.filename.replace('/', '-')}-{at}", changed)
            yield Case("forged bytes", f"{name} {member.filename} byte {at}", path, trust, "noticed")


def dumped(scratch: Path, short: bool) -> Iterator[Case]:
    place = scratch / "dump"
    command = ["node", str(verifiers.ROOT / "web/verify/test/dump.mjs"), str(place), *(["short"] if short else [])]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for one in json.loads((place / "cases.json").read_text()):
        yield Case(one["family"], one["name"], place / one["file"], place / one["trust"], one["verdict"], None, one["like"])


def written(scratch: Path, name: str, data: bytes) -> Path:
    path = scratch / name
    path.write_bytes(data)
    return path


def batches(cases: Iterator[Case], size: int) -> Iterator[list[Case]]:
    batch: list[Case] = []
    for case in cases:
        batch.append(case)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class VerifyTxt:
    """The commands of a package's own VERIFY.txt, read once from the package as it was issued."""

    def __init__(self, package: bytes, scratch: Path) -> None:
        self.members = {member.filename: member for member in damage.members(package)}
        self.package, self.place = package, scratch / "unpacked"
        page = self.content(package, "VERIFY.txt").decode().split("\n")
        self.commands = "\n".join(line[4:] for line in page if line.startswith("    "))
        self.wanted = "".join(line[5:] + "\n" for line in page if line.startswith("  => "))

    def content(self, package: bytes, name: str) -> bytes:
        begin = damage.content(self.members[name])
        return package[begin : begin + self.members[name].file_size]

    def holds(self, package: bytes) -> bool:
        shutil.rmtree(self.place, ignore_errors=True)
        for name in self.members:
            path = self.place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.content(package, name))
        # The page makes a temporary directory and leaves it; here it goes with everything else.
        surroundings = os.environ | {"TMPDIR": str(self.place.parent)}
        command = ["sh", "-e", "-c", self.commands]
        ran = subprocess.run(command, cwd=self.place, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=surroundings)
        return ran.returncode == 0 and ran.stdout == self.wanted


def openssl_corpus(package: Path, trust: Path, scratch: Path) -> Iterator[tuple[Case, tuple]]:
    """A sample of bytes of every file of a real package, with what openssl and sha256sum say of each."""
    data = package.read_bytes()
    page = VerifyTxt(data, scratch)
    if not page.holds(data):
        raise SystemExit(f"{package}: a good package does not pass its own VERIFY.txt")
    for name, member in page.members.items():
        for number in range(min(SAMPLES_PER_FILE, member.file_size)):
            at = number * member.file_size // SAMPLES_PER_FILE if member.file_size >= SAMPLES_PER_FILE else number
            changed = damage.repack(damage.flip(data, member, at, at % 8), member)
            path = written(scratch, f"real-{name.replace('/', '-')}-{at}", changed)
            yield Case("VERIFY.txt", f"{name} byte {at}", path, trust, "noticed"), page.holds(changed)


def run(cases: Iterator[Case], rows: dict[str, Row], findings: list[str]) -> None:
    for batch in batches(cases, BATCH):
        jobs = [(str(case.path), *(str(part) if part else None for part in (case.trust, case.keys))) for case in batch]
        answers = {name: verify(jobs) for name, verify in verifiers.ALL.items()}
        for number, case in enumerate(batch):
            said = rows.setdefault(case.corpus, Row()).add(case, {name: given[number] for name, given in answers.items()})
            findings += [said] if said else []
        for case in batch:
            if case.corpus in ("every byte", "forged bytes", "second key"):
                case.path.unlink()


def run_openssl(place: Path, scratch: Path, rows: dict[str, Row], findings: list[str]) -> None:
    asked = list(openssl_corpus(place / "log.zip", place / "trust.txt", scratch))
    run((case for case, _ in asked), rows, findings)
    row = rows["VERIFY.txt"]
    row.noticed = (row.noticed or {}) | {"openssl": sum(not holds for _, holds in asked)}
    row.undetected += sum(holds for _, holds in asked)
    findings += [f"VERIFY.txt: {case.name}: NOT NOTICED by openssl" for case, holds in asked if holds]


def table(rows: dict[str, Row]) -> str:
    names = [*verifiers.ALL, "openssl"]
    lines = [
        f"{'corpus':<24}{'cases':>8}"
        + "".join(f"{name:>12}" for name in names)
        + f"{'undetected':>12}{'disagree':>10}"
    ]
    for corpus, row in rows.items():
        noticed = "".join(f"{(row.noticed or {}).get(name, '-'):>12}" for name in names)
        lines.append(f"{corpus:<24}{row.cases:>8}{noticed}{row.undetected:>12}{row.disagreements:>10}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--short", action="store_true", help="a few bytes and no misshapen JSON: about half a minute")
    parser.add_argument("--only", metavar="CORPUS", help="of the evidence made by dump.mjs, this corpus and nothing else")
    parser.add_argument("directory", type=Path, nargs="?", help="as fixture.sh makes it: ask openssl too")
    options = parser.parse_args()
    rows: dict[str, Row] = {}
    findings: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        if not options.only:
            run(whole(scratch), rows, findings)
            run(registered(scratch), rows, findings)
            run(flips(scratch, SHORT_STEP if options.short else 1), rows, findings)
            run(second_signatures(scratch, SHORT_STEP if options.short else 1), rows, findings)
        made = dumped(scratch, options.short)
        run((case for case in made if options.only in (None, case.corpus)), rows, findings)
        if options.directory:
            run_openssl(options.directory, scratch, rows, findings)
    print("\n".join(findings[:100]))
    print(table(rows))
    undetected, differ = (sum(getattr(row, name) for row in rows.values()) for name in ("undetected", "disagreements"))
    print(f"{sum(row.cases for row in rows.values())} cases, {undetected} undetected, {differ} disagreements")
    return 1 if undetected or differ else 0


if __name__ == "__main__":
    sys.exit(main())
