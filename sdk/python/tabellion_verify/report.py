"""What a verifier says: checks with outcomes, one verdict, findings, and both renderings.

Source: docs/formats.md §12. What was not checked is never reported as fine: a required check that did not run, or could not
be decided, keeps the whole from holding, and so does a report without a single check.
"""

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from .jcs import Json

HOLDS, BROKEN, MALFORMED, UNDETERMINED, NOT_RUN = "holds", "broken", "malformed", "undetermined", "not run"
EXIT = {HOLDS: 0, BROKEN: 1, MALFORMED: 2, UNDETERMINED: 3, NOT_RUN: 3}
FORMAT = "tabellion.report/1"
_NAMED = 8  # places that one check names; the rest are counted
# Control characters and bidirectional marks of a hostile file must not reach a terminal.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def printable(text: str) -> str:
    return _UNPRINTABLE.sub("�", text)


def micros(time: int) -> str:
    """A time in microseconds as people read it."""
    try:
        moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=time)
    except OverflowError:
        return f"{time} microseconds after 1970"
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def worst(outcomes: Iterable[str]) -> str:
    """The outcome of several things together; of nothing it is undetermined."""
    seen = set(outcomes)
    for outcome in (BROKEN, MALFORMED):
        if outcome in seen:
            return outcome
    return HOLDS if seen == {HOLDS} else UNDETERMINED


class Problems:
    """What speaks against one check. Within one check malformed decides: a part is read before it is compared."""

    def __init__(self) -> None:
        self.counts = {BROKEN: 0, MALFORMED: 0, UNDETERMINED: 0}
        self.named: list[str] = []

    def _add(self, outcome: str, what: str) -> None:
        self.counts[outcome] += 1
        if len(self.named) < _NAMED:
            self.named.append(what)

    def broken(self, what: str) -> None:
        self._add(BROKEN, what)

    def malformed(self, what: str) -> None:
        self._add(MALFORMED, what)

    def undetermined(self, what: str) -> None:
        self._add(UNDETERMINED, what)

    def summary(self) -> tuple[str, str] | None:
        more = sum(self.counts.values()) - len(self.named)
        for outcome in (MALFORMED, BROKEN, UNDETERMINED):
            if self.counts[outcome]:
                return outcome, "; ".join(self.named) + (f"; and {more} more" if more else "")
        return None


@dataclass
class Check:
    name: str
    proves: str
    does_not_prove: str
    required: bool = True
    outcome: str = NOT_RUN
    detail: str = "not reached, because of what an earlier check found"


@dataclass(frozen=True)
class Plan:
    """A check before any byte is looked at."""

    name: str
    proves: str
    does_not_prove: str
    required: bool = True


@dataclass
class Report:
    subject: str
    scope: str
    checks: list[Check]
    facts: dict[str, Json] = field(default_factory=dict)
    findings: list[dict[str, Json]] = field(default_factory=list)
    aspects: list[dict[str, Json]] = field(default_factory=list)

    @classmethod
    def planned(cls, subject: str, scope: str, plans: Iterable[Plan]) -> "Report":
        return cls(subject, scope, [Check(one.name, one.proves, one.does_not_prove, one.required) for one in plans])

    def add(self, plan: Plan) -> None:
        """A check that only some files have; it has not run yet."""
        self.checks.append(Check(plan.name, plan.proves, plan.does_not_prove, plan.required))

    def has(self, name: str) -> bool:
        return any(check.name == name for check in self.checks)

    def find(self, name: str) -> Check:
        return next(check for check in self.checks if check.name == name)

    def set(self, name: str, outcome: str, detail: str) -> None:
        check = self.find(name)
        check.outcome, check.detail = outcome, printable(detail)

    def settle(self, name: str, problems: Problems, holds: str) -> None:
        self.set(name, *(problems.summary() or (HOLDS, holds)))

    def outcome_of(self, names: Iterable[str]) -> str:
        return worst(self.find(name).outcome for name in names)

    @property
    def verdict(self) -> str:
        """The first fault in the order of the checks decides; without one every required check must hold."""
        for check in self.checks:
            if check.outcome in (BROKEN, MALFORMED):
                return check.outcome
        return worst(check.outcome for check in self.checks if check.required)

    @property
    def exit_code(self) -> int:
        return EXIT[self.verdict]

    def to_json(self) -> Json:
        names = ("detail", "does_not_prove", "name", "outcome", "proves", "required")
        return {
            "aspects": self.aspects,
            "checks": [{name: getattr(check, name) for name in names} for check in self.checks],
            "exit": self.exit_code,
            "facts": self.facts,
            "findings": self.findings,
            "format": FORMAT,
            "scope": self.scope,
            "subject": self.subject,
            "verdict": self.verdict,
        }

    def to_text(self) -> str:
        lines = [f"{self.verdict.upper()} ({self.subject}, exit {self.exit_code})"]
        for title, rows, name in (("Aspects", self.aspects, "aspect"), ("Findings", self.findings, "question")):
            lines += ["", title] if rows else []
            lines += [f"  {row[name]:<20} {row['outcome']:<13} {printable(str(row['answer']))}" for row in rows]
        lines += ["", "Checks"]
        for check in self.checks:
            required = "" if check.required else "(not required) "
            lines.append(f"  {check.name:<20} {check.outcome:<13} {required}{check.detail}")
        lines += ["", "Facts"] if self.facts else []
        lines += [f"  {name}: {printable(str(value))}" for name, value in sorted(self.facts.items())]
        return "\n".join([*lines, "", self.scope, ""])
