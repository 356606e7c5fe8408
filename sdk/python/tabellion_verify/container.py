"""Which files a package holds: exactly the set of docs/formats.md §11, in a ZIP file of one byte form."""

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
        if len(content) > MAX_BYTES.get(name, len(content)):
            raise Malformed(f"file {name} has more than {MAX_BYTES[name]} bytes")
    return files


def count_bundles(files: dict[str, bytes]) -> int:
    return sum(name.startswith("entries/") for name in files)
