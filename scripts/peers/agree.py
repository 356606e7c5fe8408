"""Two verifiers, written apart from one page (docs/formats.md), must give one answer, on whole files and on damaged ones.

    agree.py DIRECTORY [SEED]       DIRECTORY as fixture.sh makes it; `tabellion-verify` must be in PATH

Damages packages, a receipt and a transparent statement at seeded places (one bit changed, with and without a container
that is put right; cut short; a piece doubled; a piece moved) and compares the exit status and each check's outcome, up
to the first that fails. Prints its seed; the same seed makes the same damage.
"""

import json
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import damage

GOLDEN = Path("crates/model/tests/golden/packages")
ROUNDS = 60  # for each file; the JavaScript one takes a quarter of a second
RUST = ["tabellion-verify"]
JAVASCRIPT = ["node", str(Path("web/verify/cli.mjs").resolve())]
TIMEOUT_SECONDS = 120  # a verifier that hangs on a damaged file is a finding


def changed(data, random):
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


def cut(data, random):
    return data[: random.randrange(len(data))]


def doubled(data, random):
    at = random.randrange(len(data))
    piece = data[at : at + random.randrange(1, 200)]
    return data[:at] + piece + data[at:]


def moved(data, random):
    at, length = random.randrange(len(data)), random.randrange(1, 200)
    piece, rest = data[at : at + length], data[:at] + data[at + length :]
    to = random.randrange(len(rest) + 1)
    return rest[:to] + piece + rest[to:]


def forged(data, random):
    """A bit changed inside a file of the package, under a container that is put right: what gets past the outer checks."""
    member = random.choice([member for member in damage.members(data) if member.file_size])
    return damage.repack(damage.flip(data, member, random.randrange(member.file_size), random.randrange(8)), member)


def forged_twice(data, random):
    """In two files: which of two faults decides is where verifiers come apart."""
    return forged(forged(data, random), random)


ANY = [changed, cut, doubled, moved]
# Most damage to a package ends at its container; what matters is what a forger would do.
DAMAGES = {".zip": [*ANY, *[forged, forged_twice] * len(ANY)], ".receipt": ANY, ".transparent": ANY}


def answer(verifier, path, trust):
    """(exit status, [(check, outcome)…] up to and with the first that is broken or malformed) of one verifier.

    That first fault decides; what a verifier looks at after it is its own affair (docs/formats.md §12).
    """
    ran = subprocess.run(
        [*verifier, str(path), *(["--trust", str(trust)] if trust else []), "--json"],
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )
    checks = []
    for check in json.loads(ran.stdout)["checks"] if ran.stdout.strip() else []:
        checks.append((check["name"], check["outcome"]))
        if check["outcome"] in ("broken", "malformed"):
            break
    return ran.returncode, checks


def compare(path, trust, what):
    rust, javascript = answer(RUST, path, trust), answer(JAVASCRIPT, path, trust)
    if rust == javascript:
        return rust[0], None
    only = [[check for check in mine if check not in theirs] for mine, theirs in [(rust[1], javascript[1]), (javascript[1], rust[1])]]
    return rust[0], f"{what}: Rust exits {rust[0]} and says {only[0]}, JavaScript exits {javascript[0]} and says {only[1]}"


def evidence(place):
    """(file, trust file) of everything to damage."""
    yield place / "demo" / "evidence.zip", place / "demo" / "trust.txt"
    for name in ["log.zip", "one.json.receipt", "statement.transparent"]:
        yield place / name, place / "trust.txt"
    for path in sorted([*GOLDEN.glob("*.zip"), *GOLDEN.glob("*.receipt")]):
        yield path, GOLDEN / "trust.txt"


def main(arguments):
    place = Path(arguments[0])
    seed = int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    statuses, differences = {}, []
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor() as pool:
        jobs = []
        for whole, trust in evidence(place):
            data = whole.read_bytes()
            jobs += [pool.submit(compare, whole, believed, f"{whole.name}, whole") for believed in (trust, None)]
            for number in range(ROUNDS):
                # A generator of its own for each, so that a finding can be made again alone.
                dice = random.Random(f"{seed} {whole.name} {number}")
                make = dice.choice(DAMAGES[whole.suffix])
                damaged = make(data, dice)
                if damaged == data:
                    continue
                path = Path(scratch) / f"{whole.name}-{number}"
                path.write_bytes(damaged)
                jobs.append(pool.submit(compare, path, trust, f"{whole.name}, {make.__name__}, number {number}"))
        for job in jobs:
            status, difference = job.result()
            statuses[status] = statuses.get(status, 0) + 1
            differences += [difference] if difference else []
    print("\n".join(differences))
    print(f"{sum(statuses.values())} files, exit statuses {dict(sorted(statuses.items()))}, {len(differences)} disagreements")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
