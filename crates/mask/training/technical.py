"""Technical text without names, from the sources of Python's own library (PSF licence), and the lexicon file."""
import collections
import pathlib
import re
import sysconfig

import entities

CAPITAL = re.compile(r"[A-ZÀ-Þ][^\W\d_]+")
SUSPECT = re.compile(r"copyright|author|written by|contribut|maintain|thanks|@|©|bug report|suggested|inspired|patch|based on|according|posted|et al", re.I)


def texts(r, first, places, count):
    """chunks of one to six lines in which no capitalised word is a first name or a place"""
    cities, _, countries, regions, _ = places
    names = {n for v in first.values() for n in v} | {c for v in cities.values() for c in v} | set(countries) | set(regions)
    # Ordinary words that some country uses as a name do not make a line suspect.
    usual = collections.Counter()
    root = pathlib.Path(sysconfig.get_paths()["stdlib"])
    files = sorted(p for p in root.rglob("*.py") if "site-packages" not in p.parts and "test" not in p.parts and "lib2to3" not in p.parts)
    lines = []
    for path in files:
        try:
            body = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        lines.append(body)
        for line in body:
            usual.update(re.findall(r"\b[a-z]{2,}\b", line))
    clean = lambda line: not SUSPECT.search(line) and not any(w in names and usual[w.lower()] < 20 for w in CAPITAL.findall(line))
    made = 0
    while made < count:
        body = r.choice(lines)
        if len(body) < 8: continue
        at = r.randrange(len(body))
        piece = body[at:at + r.randint(1, 6)]
        if all(clean(line) for line in piece):
            text = "\n".join(piece).strip()
            if CAPITAL.search(text):
                yield text[:600]
                made += 1


def lexicon(path, first, last, places, words, keys, plain_keys):
    """one line an entry: lower-case text, tab, letters of what it is"""
    kinds = collections.defaultdict(set)
    parts = lambda name: [p for p in re.split(r"[\s\-.]+", name.lower()) if len(p) > 1]
    count = collections.Counter()
    for v in first.values():
        for n in v:
            for p in parts(n): kinds[p].add("f"); count[p] += 1
    for v in last.values():
        for n in v:
            for p in parts(n): kinds[p].add("l")
    cities, big, countries, regions, codes = places
    for v in cities.values():
        for n in v:
            whole = parts(n)
            if len(whole) == 1: kinds[whole[0]].add("c")
            else:
                for p in whole:
                    kinds[p].add("p")
                for a, b in zip(whole, whole[1:]): kinds[a + " " + b].add("c") if len(whole) < 4 else None
    for n in big:
        if len(parts(n)) == 1: kinds[n.lower()].add("b")
    for n in countries + regions:
        whole = parts(n)
        if len(whole) == 1: kinds[whole[0]].add("r")
        else:
            for p in whole: kinds[p].add("p")
            for a, b in zip(whole, whole[1:]): kinds[a + " " + b].add("r")
    for w in entities.STREETS_AFTER + entities.STREETS_BEHIND + entities.STREETS_BEFORE + entities.UNITS:
        for p in parts(w): kinds[p].add("s")
    for w in entities.ORG_TAILS + entities.ORG_KINDS:
        for p in parts(w.replace("&", "")): kinds[p].add("o")
    for size, listed in words.items():
        for w in listed:
            if len(w) > 1: kinds[w].add("w" if size <= 35 else "v")
    letter = {"person": "P", "given": "P", "family": "P", "org": "O"}
    for kind, listed in keys.items():
        for key in listed: kinds[key.lower()].add(letter.get(kind, "L"))
    for key in plain_keys: kinds[key.lower()].add("X")
    with open(path, "w", encoding="utf-8") as file:
        for entry in sorted(kinds):
            file.write(f"{entry}\t{''.join(sorted(kinds[entry]))}\n")
    print(len(kinds), "lexicon entries")
