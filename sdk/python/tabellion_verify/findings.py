"""Three questions and four aspects that a report answers apart, each no better than the checks behind it.

Source: docs/formats.md §12 and §12.1. An aspect holds, is broken or was not checked; what was not checked is never fine. Every
check stands in one of the aspects signature, ledger inclusion and time, so a fault anywhere breaks one of them.
"""

from dataclasses import dataclass, replace

from .report import BROKEN, HOLDS, MALFORMED, UNDETERMINED, Report, micros

NOT_CHECKED = "not checked"
_OWN_CLOCK = "the commit time is the clock of the log's own writer"
_CLOCK = f"{_OWN_CLOCK}; no outside clock vouches for it here"
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
_RUN = Parts(
    existed=(),
    unaltered=("form", "keys", "issuer", "checkpoint signature", "run signature"),
    issued=("issuer", "checkpoint signature", "run signature"),
    signature=("form", "keys", "issuer", "checkpoint signature", "run signature"),
    inclusion=("form", "keys", "issuer", "checkpoint signature", "verdicts"),
    time=("issuer", "checkpoint signature"),
)
_OWN_WORD = "A run says when by the log's own clock; receipts and packages of the entries say more."
_QUESTIONS = {
    "existed at the time": ("existed", "It was in the log when the log signed this.", ""),
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


def _faulty(report: Report, *names: str) -> tuple[str, ...]:
    """Those of these checks that are there and found a fault."""
    return tuple(name for name in names if report.has(name) and report.find(name).outcome in (BROKEN, MALFORMED))


def _dated(report: Report, witnessed: tuple[str, int] | None) -> str | None:
    """What clocks outside the log say, in a sentence."""
    if report.has("anchors") and report.find("anchors").outcome == HOLDS:
        return f"Outside clocks bound it: {report.find('time bounds').detail}."
    if witnessed is None:
        return None
    name, seconds = witnessed
    return f"Not after {micros(seconds * 1_000_000)}, by witness {name}."


def _time(report: Report, names: tuple[str, ...], witnessed: tuple[str, int] | None) -> dict[str, object]:
    """Holds only when a clock outside the log has dated it: an anchor, or the witnesses that the trust file asks for."""
    if not names:
        return _aspect("time", NOT_CHECKED, "This form of receipt carries no time at all.", names)
    names += _faulty(report, "anchors") + (("time bounds",) if report.has("time bounds") else ())
    found = _from_checks(report, "time", names, "")
    if found["outcome"] != HOLDS:
        return found
    dated = _dated(report, witnessed)
    if dated is None:
        return _aspect("time", NOT_CHECKED, f"No outside clock: {_CLOCK}.", names)
    return _aspect("time", HOLDS, dated, names)


def _clock(report: Report) -> str:
    """What the commit times rest on."""
    if report.has("time bounds") and report.find("time bounds").outcome == HOLDS:
        return f"{_OWN_CLOCK}; outside clocks bound it: {report.find('time bounds').detail}"
    return _CLOCK + ("; the package brings anchors, see the check of that name" if report.has("anchors") else "")


def _report(report: Report, parts: Parts, witnessed: tuple[str, int] | None) -> None:
    for question, (name, yes, rests_on) in _QUESTIONS.items():
        rests = _clock(report) if name == "existed" else rests_on
        report.findings.append(_question(report, question, getattr(parts, name), yes, rests))
    report.aspects = [
        _from_checks(report, "signature", parts.signature, "Every signature is valid, by a key in force of a log you trust."),
        _from_checks(report, "ledger inclusion", parts.inclusion, "Everything stands in the tree that the log signed."),
        _time(report, parts.time, witnessed),
        _aspect("live source", NOT_CHECKED, f"Not asked: {_LIVE}.", ()),
    ]


def of_package(report: Report, witnessed: tuple[str, int] | None) -> None:
    alarms = ("alarms",) if report.has("alarms") else ()
    shards = ("shards",) if report.has("shards") else ()
    signed = ("source signatures",) if report.has("source signatures") else ()
    parts = replace(
        _PACKAGE,
        unaltered=_PACKAGE.unaltered + alarms,
        signature=_PACKAGE.signature + signed,
        inclusion=_PACKAGE.inclusion + alarms + shards,
    )
    _report(report, parts, witnessed)


def of_receipt(report: Report, witnessed: tuple[str, int] | None) -> None:
    extra = ("statement",) if report.find("statement").required else ()
    source = ("source signature",) if report.has("source signature") and report.find("source signature").required else ()
    _report(report, replace(_RECEIPT, issued=_RECEIPT.issued + extra, signature=_RECEIPT.signature + extra + source), witnessed)


def of_run(report: Report, witnessed: tuple[str, int] | None) -> None:
    _report(report, _RUN, witnessed)
    existed, unaltered, issued = report.findings
    existed["answer"] = _OWN_WORD
    for finding, answer in ((unaltered, "These are the verdicts that were signed."), (issued, "Whoever held the log's package key says so.")):
        if finding["outcome"] == HOLDS:
            finding["answer"] = answer


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
