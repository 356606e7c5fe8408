"""Three verifiers, written apart from one page (docs/formats.md), must give one answer, on whole files and on damaged ones.

    agree.py DIRECTORY [SEED]       DIRECTORY as fixture.sh makes it; `tabellion-verify` must be in PATH

Damages packages, receipts, verification runs and a transparent statement at seeded places (one bit changed, with and without a container
that is put right; cut short; a piece doubled; a piece moved) and compares the exit status and the first check that
fails, or every check's outcome where none does. Prints its seed; the same seed makes the same damage.
"""

import random
import sys
import tempfile
from pathlib import Path

import damage
import verifiers

GOLDEN = Path("crates/model/tests/golden/packages")
ROUNDS = 60  # for each file; the JavaScript verifier takes a quarter of a second for the largest


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
DAMAGES = {".zip": [*ANY, *[forged, forged_twice] * len(ANY)], ".receipt": ANY, ".transparent": ANY, ".run": ANY}


def evidence(place):
    """(file, trust file) of everything to damage."""
    yield place / "demo" / "evidence.zip", place / "demo" / "trust.txt"
    for name in ["log.zip", "one.json.receipt", "statement.transparent"]:
        yield place / name, place / "trust.txt"
    for path in sorted([*GOLDEN.glob("*.zip"), *GOLDEN.glob("*.receipt"), *GOLDEN.glob("*.run")]):
        yield path, GOLDEN / "trust.txt"


def cases(place, scratch, seed):
    """(file, trust file or None, what it is) of everything whole and everything damaged."""
    for whole, trust in evidence(place):
        data = whole.read_bytes()
        yield from ((whole, believed, f"{whole.name}, whole") for believed in (trust, None))
        for number in range(ROUNDS):
            # A generator of its own for each, so that a finding can be made again alone.
            dice = random.Random(f"{seed} {whole.name} {number}")
            make = dice.choice(DAMAGES[whole.suffix])
            damaged = make(data, dice)
            if damaged == data:
                continue
            path = scratch / f"{whole.name}-{number}"
            path.write_bytes(damaged)
            yield path, trust, f"{whole.name}, {make.__name__}, number {number}"


def main(arguments):
    place = Path(arguments[0])
    seed = int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory() as scratch:
        asked = list(cases(place, Path(scratch), seed))
        jobs = [(str(path), str(trust) if trust else None) for path, trust, _ in asked]
        answers = {name: verify(jobs) for name, verify in verifiers.ALL.items()}
    statuses, differences = {}, []
    for number, (_, _, what) in enumerate(asked):
        said = {name: (*given[number][:2], given[number][3]) for name, given in answers.items()}
        status = said["Rust"][0]
        statuses[status] = statuses.get(status, 0) + 1
        if len(set(said.values())) > 1:
            differences.append(
                f"{what}: "
                + ", ".join(f"{name} exits {status} and says {dict(checks)}, {bounds}" for name, (status, checks, bounds) in said.items())
            )
    print("\n".join(differences))
    print(f"{len(asked)} files, exit statuses {dict(sorted(statuses.items()))}, {len(differences)} disagreements")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
