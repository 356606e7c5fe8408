"""Which files a package holds: exactly the set of docs/formats.md §11, in a ZIP file of one byte form."""

from . import zipform
from .faults import Malformed

UNLISTED = ("manifest.cose", "manifest.json")  # the two files that the manifest cannot list
SINGLE = ("VERIFY.txt", "checkpoint", "erasures.jsonl", *UNLISTED, "proof.json", "report.html", "verify.html")
FRAMEWORK = tuple(f"framework/{name}" for name in ("index.json", "rules.toml", "soa.json", "status.json", "systems.json"))


def bundle_name(number: int) -> str:
    return f"entries/{number:08}.bundle"


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
    allowed = needed | {disclosures_name(number) for number in range(bundles)}
    for name, content in files.items():
        if name not in allowed or (name.startswith("disclosures/") and not content):
            raise Malformed(f"file {name} is not part of a package, or empty")
    return files


def count_bundles(files: dict[str, bytes]) -> int:
    return sum(name.startswith("entries/") for name in files)
