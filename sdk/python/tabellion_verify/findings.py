"""Three questions and four aspects that a report answers apart, each no better than the checks behind it.

Source: docs/formats.md §12 and §12.1. An aspect holds, is broken or was not checked; what was not checked is never fine. Every
check stands in one of the aspects signature and ledger inclusion, so a fault anywhere breaks one of them.
"""

from dataclasses import dataclass

from .report import BROKEN, HOLDS, MALFORMED, UNDETERMINED, Report, micros

NOT_CHECKED = "not checked"
_CLOCK = "the commit time is the clock of the log's own writer; no outside clock vouches for it"
_LIVE = "this verifier asks nobody; ask the log itself for a newer checkpoint and a consistency proof"


@dataclass(frozen=True)
class Parts:
    """Which checks a question or an aspect rests on."""

    existed: tuple[str, ...]
    unaltered: tuple[str, ...]
    issued: tuple[str, ...]
    signature: tuple[str, ...]
    inclusion: tuple[str, ...]
    time: tuple[str, ...]


_PACKAGE = Parts(
    existed=("tree", "keys", "issuer", "checkpoint signature", "seals"),
    unaltered=(
        *("container", "manifest", "manifest signature", "files", "entries", "tree", "checkpoint signature", "seals"),
        *("disclosures", "erasures", "numbers", "period edges", "totals"),
    ),
    issued=("manifest signature", "keys", "issuer", "checkpoint signature", "seals", "statements"),
    signature=(
        *("container", "manifest", "files", "keys", "manifest signature", "issuer", "checkpoint signature", "seals"),
        "statements",
    ),
    inclusion=(
        *("entries", "tree", "issuer", "checkpoint signature", "seals", "disclosures", "erasures", "numbers"),
        *("period edges", "totals"),
    ),
    time=("issuer", "checkpoint signature", "seals"),
)
_RECEIPT = Parts(
    existed=("inclusion", "keys", "issuer", "checkpoint signature", "seal"),
    unaltered=("form", "entry", "inclusion", "checkpoint signature", "seal", "disclosures"),
    issued=("keys", "issuer", "checkpoint signature", "seal"),
    signature=("form", "keys", "issuer", "checkpoint signature", "seal"),
    inclusion=("entry", "inclusion", "issuer", "checkpoint signature", "seal", "disclosures"),
    time=("issuer", "checkpoint signature", "seal"),
)
_TRANSPARENT = Parts(
    existed=("issuer", "receipt"),
    unaltered=("form", "receipt"),
    issued=("issuer", "receipt"),
    signature=("form", "issuer", "receipt", "statement signature"),
    inclusion=("form", "issuer", "receipt"),
    time=(),
)
_QUESTIONS = {
    "existed at the time": ("existed", "It was in the log when the log signed this.", _CLOCK),
    "unaltered": ("unaltered", "Everything is as it was sealed, in its place and order.", "SHA-256 up to the signed root"),
    "issued by whom": ("issued", "The log that the trust file names.", "Ed25519 signatures by keys that the root key granted"),
}


def _open(report: Report, names: tuple[str, ...]) -> str:
    return ", ".join(name for name in names if report.find(name).outcome != HOLDS)


def _question(report: Report, question: str, names: tuple[str, ...], yes: str, rests_on: str) -> dict[str, object]:
    outcome = report.outcome_of(names)
    answer = {HOLDS: yes, UNDETERMINED: f"Cannot be said: see {_open(report, names)}."}
    shown = answer.get(outcome, f"Not shown: see {_open(report, names)}.")
    return {"answer": shown, "outcome": outcome, "question": question, "rests_on": rests_on}


def _aspect(name: str, outcome: str, answer: str, rests_on: tuple[str, ...]) -> dict[str, object]:
    return {"answer": answer, "aspect": name, "outcome": outcome, "rests_on": ", ".join(rests_on)}


def _from_checks(report: Report, name: str, names: tuple[str, ...], yes: str) -> dict[str, object]:
    outcome = report.outcome_of(names)
    if outcome == HOLDS:
        return _aspect(name, HOLDS, yes, names)
    if outcome in (BROKEN, MALFORMED):
        return _aspect(name, BROKEN, f"Not shown: see {_open(report, names)}.", names)
    return _aspect(name, NOT_CHECKED, f"Something it rests on could not be decided: see {_open(report, names)}.", names)


def _time(report: Report, names: tuple[str, ...], witnessed: dict[str, int]) -> dict[str, object]:
    """Holds only when witnesses that the trust file asks for have dated the checkpoint: not after the earliest of them."""
    if not names:
        return _aspect("time", NOT_CHECKED, "This form of receipt carries no time at all.", names)
    found = _from_checks(report, "time", names, "")
    if found["outcome"] != HOLDS:
        return found
    if not witnessed:
        return _aspect("time", NOT_CHECKED, f"No outside clock: {_CLOCK}.", names)
    name, seconds = min(witnessed.items(), key=lambda item: item[1])
    return _aspect("time", HOLDS, f"Not after {micros(seconds * 1_000_000)}, by witness {name}.", names)


def _report(report: Report, parts: Parts, witnessed: dict[str, int]) -> None:
    for question, (name, yes, rests_on) in _QUESTIONS.items():
        report.findings.append(_question(report, question, getattr(parts, name), yes, rests_on))
    report.aspects = [
        _from_checks(report, "signature", parts.signature, "Every signature is valid, by a key in force of a log you trust."),
        _from_checks(report, "ledger inclusion", parts.inclusion, "Everything stands in the tree that the log signed."),
        _time(report, parts.time, witnessed),
        _aspect("live source", NOT_CHECKED, f"Not asked: {_LIVE}.", ()),
    ]


def of_package(report: Report, witnessed: dict[str, int]) -> None:
    _report(report, _PACKAGE, witnessed)


def of_receipt(report: Report, witnessed: dict[str, int]) -> None:
    extra = ("statement",) if report.find("statement").required else ()
    parts = _RECEIPT
    parts = Parts(parts.existed, parts.unaltered, parts.issued + extra, parts.signature + extra, parts.inclusion, parts.time)
    _report(report, parts, witnessed)


def of_transparent(report: Report) -> None:
    _report(report, _TRANSPARENT, {})


def with_directory(report: Report) -> None:
    """A valid signature by an unknown key is not a signature that holds."""
    check = report.find("key directory")
    for row in report.aspects:
        if row["aspect"] == "signature" and check.outcome != HOLDS and row["outcome"] != BROKEN:
            row["outcome"] = BROKEN if check.outcome == BROKEN else NOT_CHECKED
            row["answer"] = check.detail
            row["rests_on"] = f"{row['rests_on']}, {check.name}"
