"""The trust file: a C2SP tlog-policy that names the logs and witnesses which its reader believes.

Source: docs/formats.md §10; c2sp.org/tlog-policy. People write it, so comments and spaces are read.
"""

import re
from dataclasses import dataclass, field

from . import anchortrust
from .anchortrust import AnchorTrust
from .faults import Broken, Malformed
from .note import COSIGNATURE, ED25519, ML_DSA_44, Checkpoint, VerifierKey, read_verifier_key
from .report import BROKEN, HOLDS, UNDETERMINED

MAX_BYTES, MAX_DEFINITIONS = 256 << 10, 256
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_SPACE = re.compile("[ \t]+")
_NUMBER = re.compile("[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class Group:
    threshold: int
    members: list[str]


@dataclass
class Policy:
    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = ""
    anchors: AnchorTrust = field(default_factory=AnchorTrust)

    def cosigned(self, checkpoint: Checkpoint) -> dict[str, int]:
        """Name of each listed witness that signed, with the time it states in seconds. Raises `Broken` for a false one.

        Without a time a cosigner does not say that it saw no larger tree, so it witnesses nothing.
        """
        stated = {name: checkpoint.cosigned_by(key) for name, key in self.witnesses.items()}
        return {name: seconds for name, seconds in stated.items() if seconds}

    def is_met(self, name: str, signed: set[str]) -> bool:
        """Whether a witness or group of this policy has signed."""
        group = self.groups.get(name)
        if group is None:
            return name in signed
        return sum(self.is_met(member, signed) for member in group.members) >= group.threshold

    def met_by(self, times: dict[str, int]) -> tuple[str, int] | None:
        """The witness whose cosignature met the quorum, in the order of their times and of the file: of two of three, the second.

        One witness with a wrong clock decides it only where one is enough; one outside the quorum never does.
        """
        if self.quorum == "none":
            return None
        signed: set[str] = set()
        for name, seconds in sorted(times.items(), key=lambda item: item[1]):
            signed.add(name)
            if self.is_met(self.quorum, signed):
                return name, seconds
        return None

    def rests_on(self, name: str) -> set[str]:
        """Names of the witnesses that a witness or group of this policy rests on."""
        group = self.groups.get(name)
        return {name} if group is None else {one for member in group.members for one in self.rests_on(member)}


def read(data: bytes) -> Policy:
    """Raises `Malformed` with the number of the line."""
    if len(data) > MAX_BYTES:
        raise Malformed("is too long for a trust file")
    reader = _Reader()
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            reader.line(line)
        except Malformed as error:
            raise Malformed(f"line {number}: {error}") from error
    if not reader.policy.quorum:
        raise Malformed("has no quorum line; write `quorum none` when no witness is asked for")
    reader.policy.anchors = anchortrust.read(data)
    return reader.policy


class _Reader:
    def __init__(self) -> None:
        self.policy = Policy()
        self.keys: set[tuple[tuple[int, ...], bytes]] = set()
        self.members: set[str] = set()

    def line(self, line: bytes) -> None:
        if _CONTROL.search(line):
            raise Malformed("holds a control character")
        if line.strip(b" \t").startswith(b"#"):
            return
        try:
            words = [word for word in _SPACE.split(line.decode()) if word]
        except UnicodeDecodeError as error:
            raise Malformed("is not UTF-8") from error
        match words:
            case []:
                return
            case ["log", key] | ["log", key, _]:
                self.policy.logs.append(self.key(key, (ED25519, ML_DSA_44)))
            case ["witness", name, key] | ["witness", name, key, _]:
                self.define(name)
                self.policy.witnesses[name] = self.key(key, (COSIGNATURE, ML_DSA_44))
            case ["group", name, threshold, *members] if members:
                self.group(name, threshold, members)
            case ["quorum", name]:
                self.quorum(name)
            case _:
                raise Malformed("is no log, witness, group or quorum line")
        if max(len(self.policy.logs), len(self.policy.witnesses), len(self.policy.groups)) > MAX_DEFINITIONS:
            raise Malformed(f"is one of more than {MAX_DEFINITIONS}")

    def key(self, text: str, kinds: tuple[int, ...]) -> VerifierKey:
        key = read_verifier_key(text)
        if key.type not in kinds or (kinds, key.public) in self.keys:
            raise Malformed("has a key of the wrong type or one that is listed before")
        self.keys.add((kinds, key.public))
        return key

    def define(self, name: str) -> None:
        if name == "none" or name in self.policy.witnesses or name in self.policy.groups:
            raise Malformed(f"the name {name!r} is taken")

    def known(self, name: str) -> None:
        if name not in self.policy.witnesses and name not in self.policy.groups:
            raise Malformed(f"the name {name!r} is not defined above")

    def group(self, name: str, threshold: str, members: list[str]) -> None:
        self.define(name)
        for member in members:
            self.known(member)
            if member in self.members:
                raise Malformed(f"{member!r} is a member already")
            self.members.add(member)
        counts = {"any": 1, "all": len(members)}
        least = counts.get(threshold) or (int(threshold) if _NUMBER.fullmatch(threshold) else 0)
        if not 1 <= least <= len(members):
            raise Malformed("the threshold is not any, all or 1 to the number of members")
        self.policy.groups[name] = Group(least, members)

    def quorum(self, name: str) -> None:
        if self.policy.quorum:
            raise Malformed("is a second quorum line")
        if name != "none":
            self.known(name)
        self.policy.quorum = name


def judge_quorum(policy: Policy, checkpoint: Checkpoint | None) -> tuple[str, str]:
    """The outcome of what the trust file asks of witnesses, and its text; empty when it has no word about them."""
    if policy.quorum == "none" and not policy.witnesses:
        return HOLDS, ""
    asks = "no witnesses" if policy.quorum == "none" else f"witnesses ({policy.quorum})"
    if checkpoint is None:
        if policy.quorum == "none":
            return HOLDS, f"the trust file asks for {asks}"
        return UNDETERMINED, f"the trust file asks for {asks}, and this form of receipt cannot carry any"
    try:
        signed = policy.cosigned(checkpoint)
    except Broken as error:
        return BROKEN, f"the trust file asks for {asks}: {error}"
    text = f"the trust file asks for {asks}; cosigned by {', '.join(signed) or 'none'}"
    if policy.quorum == "none":
        return HOLDS, text
    if outside := [name for name in signed if name not in policy.rests_on(policy.quorum)]:
        text += f"; outside the quorum, so that its time is not used: {', '.join(outside)}"
    met = policy.is_met(policy.quorum, set(signed))
    return (HOLDS if met else UNDETERMINED), text
