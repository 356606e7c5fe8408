"""Which files a package holds: exactly the set of docs/formats.md §11, in a ZIP file of one byte form."""

import itertools

from . import zipform
from .faults import Malformed

UNLISTED = ("manifest.cose", "manifest.json")  # the two files that the manifest cannot list
SINGLE = ("VERIFY.txt", "checkpoint", "erasures.jsonl", *UNLISTED, "proof.json", "report.html", "verify.html")
FRAMEWORK = tuple(f"framework/{name}" for name in ("index.json", "rules.toml", "soa.json", "status.json", "systems.json"))
MAX_BYTES = {
    "VERIFY.txt": 256 << 10,
    "checkpoint": 512 << 10,
    "framework/index.json": 64 << 20,
    "framework/rules.toml": 4 << 20,
    "framework/soa.json": 4 << 20,
    "framework/status.json": 64 << 20,
    "framework/systems.json": 64 << 20,
    "manifest.cose": 1 << 10,
    "manifest.json": 32 << 20,
    "proof.json": 256 << 20,
    "report.html": 64 << 20,
    "verify.html": 16 << 20,
}
MAX_ANCHORS, MAX_ANCHOR_BYTES = 1024, 1 << 20


def bundle_name(number: int) -> str:
    return f"entries/{number:08}.bundle"


def anchor_name(number: int) -> str:
    return f"anchors/{number:08}.json"


def disclosures_name(number: int) -> str:
    return f"disclosures/{number:08}.jsonl"


def open_package(data: bytes) -> dict[str, bytes]:
    """The files by name. Raises `Malformed` for another byte form or another set of files."""
    files = zipform.read(data)
    bundles = count_bundles(files)
    needed = {bundle_name(number) for number in range(bundles)} | set(SINGLE)
    if any(name in files for name in FRAMEWORK):
        needed |= set(FRAMEWORK)
    missing = sorted(needed - set(files))
    if missing:
        raise Malformed(f"file {missing[0]} is missing")
    allowed = needed | {disclosures_name(number) for number in range(bundles)} | set(anchors(files))
    for name, content in files.items():
        if name not in allowed or (name.startswith("disclosures/") and not content):
            raise Malformed(f"file {name} is not part of a package, or empty")
        most = MAX_ANCHOR_BYTES if name.startswith("anchors/") else MAX_BYTES.get(name, len(content))
        if len(content) > most:
            raise Malformed(f"file {name} has more than {most} bytes")
    return files


def anchors(files: dict[str, bytes]) -> list[str]:
    """The files of outside times, numbered from 0 without a gap."""
    names = [anchor_name(number) for number in range(MAX_ANCHORS)]
    return list(itertools.takewhile(files.__contains__, names))


def count_bundles(files: dict[str, bytes]) -> int:
    return sum(name.startswith("entries/") for name in files)
