"""The verifier of a verification run: what the holder of a log's package key found when it verified many entries at once.

Source: docs/formats.md §12.3. Nothing the run says of itself is believed; what it found is its signer's word, because the entries are not in the file.
"""

from dataclasses import dataclass

from . import cose, encoding, findings, jcs, note, placed, plans, recordtypes, shape, trust
from . import entry as entries
from .cose import Sign1
from .directory import Uses
from .faults import Broken, Malformed
from .jcs import Json
from .keys import KeyChain
from .note import Checkpoint
from .policy import Policy
from .report import BROKEN, HOLDS, MALFORMED, UNDETERMINED, Problems, Report, micros

FORMAT = "tabellion.verification-run/1"
FIRST_LINE = f"{FORMAT}\n".encode()
MAX_ENTRIES, MAX_BYTES, MAX_DETAIL = 50_000, 48 << 20, 300
_NAMES = ("content", "inclusion", "signature", "time")
_WORDS = {"holds": "holds", "broken": "broken", "not checked": "not_checked"}


def _detail(value: Json) -> str:
    if not 1 <= len(shape.text(value).encode()) <= MAX_DETAIL:
        raise Malformed(f"is not text of 1 to {MAX_DETAIL} bytes")
    return str(value)


_STANDING = shape.one_of(*_WORDS)
_VERDICT = shape.record(
    asked=shape.matching(r"[0-9a-fA-F]{1,32}", 32),
    content=_STANDING,
    detail=shape.Optional(_detail),
    inclusion=_STANDING,
    index=shape.Optional(shape.natural),
    leaf=shape.Optional(shape.digest),
    signature=_STANDING,
    time=_STANDING,
)


def _verdict(value: Json) -> Json:
    verdict = _VERDICT(value)
    if (verdict["index"] is None) != (verdict["leaf"] is None):
        raise Malformed("has an index or a leaf hash, and not both")
    if verdict["index"] is None and any(verdict[name] == "holds" for name in _NAMES):
        raise Malformed("holds of an entry that it does not name")
    return verdict


_RUN = shape.record(
    asked=shape.natural,
    cap=shape.natural,
    checkpoint=shape.text,
    end=shape.one_of("completed", "cancelled"),
    ended_at=shape.moment,
    env=recordtypes.ENVIRONMENT,
    format=shape.exactly(FORMAT),
    keys=placed.read_list,
    log=recordtypes.origin,
    reached=shape.natural,
    software=shape.text,
    started_at=shape.moment,
    totals=shape.anything,
    truncated=shape.flag,
    verdicts=shape.list_of(_verdict, 0, MAX_ENTRIES),
)


def _totals(verdicts: list[Json]) -> dict[str, dict[str, int]]:
    totals = {name: dict.fromkeys(_WORDS.values(), 0) for name in _NAMES}
    for verdict in verdicts:
        for name in _NAMES:
            totals[name][_WORDS[verdict[name]]] += 1
    return totals


@dataclass(frozen=True)
class _File:
    run: dict[str, Json]
    signed: bytes
    signature: Sign1
    checkpoint: Checkpoint


def _read(data: bytes) -> _File:
    if len(data) > MAX_BYTES:
        raise Malformed("is larger than 48 MiB")
    lines = data.removeprefix(FIRST_LINE).split(b"\n")
    if len(lines) != 3 or lines[2]:
        raise Malformed("is not of three lines")
    try:
        signature = cose.read_detached(encoding.from_base64(lines[1].decode()), cose.RUN)
    except UnicodeDecodeError as error:
        raise Malformed("its signature is not base64") from error
    run = _RUN(jcs.read(lines[0]))
    _check_numbers(run)
    try:
        checkpoint = note.read_checkpoint(run["checkpoint"].encode())
    except Malformed as error:
        raise Malformed(f"checkpoint: {error}") from error
    return _File(run, lines[0], signature, checkpoint)


def _check_numbers(run: dict[str, Json]) -> None:
    """Refuses numbers that are not those of its own verdicts."""
    asked, reached, due = run["asked"], run["reached"], min(run["asked"], MAX_ENTRIES)
    ended = reached == due or (run["end"] == "cancelled" and reached < due)
    said = (run["cap"], reached, run["truncated"])
    # As canonical bytes, because to Python 1 equals True.
    same = jcs.write(run["totals"]) == jcs.write(_totals(run["verdicts"]))
    if said != (MAX_ENTRIES, len(run["verdicts"]), asked > MAX_ENTRIES) or not same or not ended or run["ended_at"] < run["started_at"]:
        raise Malformed("what it says of its own numbers and times does not agree with its verdicts")


def verify(data: bytes, policy: Policy | None) -> tuple[Report, Uses]:
    report = Report.planned("verification run", plans.SCOPES["verification run"], plans.RUN)
    uses, witnessed = Uses(), None
    try:
        file = _read(data)
        report.set("form", HOLDS, f"a run over {len(file.run['verdicts'])} entries of {file.run['log']}")
        witnessed = trust.witnessed(policy, file.checkpoint)
        _judge(report, file, policy, uses)
    except Malformed as error:
        report.set("form", MALFORMED, str(error))
    findings.of_run(report, witnessed)
    return report, uses


def _judge(report: Report, file: _File, policy: Policy | None, uses: Uses) -> None:
    run, checkpoint = file.run, file.checkpoint
    names = ("log", "env", "asked", "reached", "end", "truncated", "totals")
    report.facts = {name: run[name] for name in names} | {"size": checkpoint.size}
    report.facts |= {"ended_at (the log's own clock)": micros(run["ended_at"]), "software (not verified)": run["software"]}
    report.set("verdicts", *_verdicts(run, checkpoint.size))
    try:
        chain = _chain(file)
    except Broken as error:
        report.set("keys", BROKEN, str(error))
        return
    report.set("keys", HOLDS, f"{len(run['keys'])} key records")
    uses.add(chain.root_id, "root", report.subject)
    log_key = None
    try:
        key = chain.in_force("log", checkpoint.size)
        log_key = key.public
        checkpoint.note.verify(note.VerifierKey(run["log"], note.ED25519, key.public))
        report.set("checkpoint signature", HOLDS, f"signed by the log key, {checkpoint.size} entries")
        uses.add(key.id, "log", "checkpoint signature", run["ended_at"])
    except Broken as error:
        report.set("checkpoint signature", BROKEN, str(error))
    report.set("issuer", *trust.judge(policy, trust.Claim(run["log"], chain.root, log_key, checkpoint)))
    try:
        key = chain.in_force("package", checkpoint.size)
        if file.signature.kid != key.id:
            raise Broken(f"signed by {file.signature.kid}, which is not the package key in force")
        file.signature.verify(key.public, file.signed)
        report.set("run signature", HOLDS, "signed by the package key in force")
        uses.add(key.id, "package", "run signature", run["ended_at"])
    except Broken as error:
        report.set("run signature", BROKEN, str(error))


def _chain(file: _File) -> KeyChain:
    """The chain of key records, each of which has to stand in the checkpoint's tree. One that cannot be read is broken."""
    run, checkpoint = file.run, file.checkpoint
    if checkpoint.origin != run["log"]:
        raise Broken(f"the checkpoint is of {checkpoint.origin}, the run of {run['log']}")
    problems = Problems()
    for one in run["keys"]:
        one.check_path(problems, checkpoint.size, checkpoint.root)
    if faults := problems.summary():
        raise Broken(faults[1])
    if not run["keys"] or run["keys"][0].index != 0:
        raise Broken("entry 0, the genesis, is not here")
    try:
        records = [(one.index, one.data, entries.read(one.data)) for one in run["keys"]]
    except Malformed as error:
        raise Broken(f"a key record cannot be read: {error}") from error
    chain = KeyChain(records[0][2], records[0][1])
    for index, _, entry in records[1:]:
        chain.apply(index, entry)
    if (chain.origin, chain.env) != (run["log"], run["env"]):
        raise Broken(f"the genesis is of {chain.origin} ({chain.env}), the run says otherwise")
    return chain


def _verdicts(run: dict[str, Json], size: int) -> tuple[str, str]:
    verdicts, asked, reached = run["verdicts"], run["asked"], run["reached"]
    beyond = next((one for one in verdicts if one["index"] is not None and one["index"] >= size), None)
    if beyond:
        return BROKEN, f"{beyond['asked']} is said to stand beyond the checkpoint's {size} entries"
    wrong = [one for one in verdicts if any(one[name] == "broken" for name in _NAMES)]
    if wrong:
        return BROKEN, f"{len(wrong)} entries are broken, the first of them {wrong[0]['asked']}: {wrong[0]['detail'] or ''}"
    unsure = sum(one["signature"] != "holds" or one["inclusion"] != "holds" for one in verdicts)
    if run["end"] == "cancelled" or run["truncated"] or unsure or not reached:
        why = "more were asked for than a run takes" if run["truncated"] else run["end"]
        said = f"{reached} of {asked} were reached ({why}), and of {unsure} of these signature or place were not checked; nothing is broken"
        return UNDETERMINED, said
    return HOLDS, f"all {reached} entries: signature and place hold, nothing is broken"
