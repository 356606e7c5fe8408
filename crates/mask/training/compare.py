"""Shows the sentences of the corpus that are close to rows of labelled sets, which must stay none: what a model is measured with may not be in what it
is trained on. Usage: compare.py ROWS.jsonl... ; every row has `text` and `spans`. Status 1 when there is one."""
import collections
import json
import re
import sys

import plain
import prose

SMALL = set("a an the is are was were be been being of in on at to for by from with and or but not it its this that these those i my me we our you your he she his her him them they their do does did has have had will would can could should may as if so what which who when where how why there here am s t ll ve re d m up out no than then too very just also about into over after before".split())
WORD = re.compile(r"[A-Za-zÀ-ÿ]+|§")
LABELLED = {"person", "given", "family", "place", "city", "country", "region", "address", "street", "org", "email", "phone", "card", "iban", "iban4"}
# A row is a paraphrase when it holds all of a sentence's words in their order and is not much longer, or shares half of them.
MUCH_LONGER, HALF = 1.6, .5


def words(text):
    return [w if w == "§" else w.lower() for w in WORD.findall(text)]


def content(text):
    return [w for w in text if w not in SMALL]


def grams(text, size):
    return {tuple(text[i:i + size]) for i in range(len(text) - size + 1)}


def rows(paths):
    seen = {}
    for path in paths:
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            text = row["text"]
            for start, end, _ in sorted(row["spans"], reverse=True):
                text = text[:start] + "§" + text[end:]
            seen.setdefault(tuple(words(text)), text)
    return [(list(key), content(key), text) for key, text in seen.items()]


def close(sentence, held, index):
    """the row that a sentence is close to, and how"""
    text = re.sub(r"\{(\w+)\}", lambda slot: "§" if slot.group(1) in LABELLED else " ", sentence.replace("\\n", "\n"))
    whole = words(text)
    told = content(whole)
    plain_words = {w for w in told if w != "§"}
    for size, least in ((4, 2), (3, 3)):
        for gram in grams(told, size):
            if gram in index and sum(w != "§" for w in gram) >= least:
                return " ".join(gram), index[gram]
    for key, row, shown in held:
        order = iter(row)
        theirs = {w for w in row if w != "§"}
        if key == whole and len(plain_words) > 0:
            return "the same", shown
        if plain_words and all(w in order for w in told) and len(row) <= len(told) * MUCH_LONGER + 1:
            return "within", shown
        if len(plain_words) >= 3 and len(plain_words & theirs) / len(plain_words | theirs) >= HALF:
            return "half", shown
    return None


def main():
    held = rows(sys.argv[1:])
    index = collections.OrderedDict()
    for _, row, shown in held:
        for size in (3, 4):
            for gram in grams(row, size):
                index.setdefault(gram, shown)
    found = 0
    for sentence in prose.SENTENCES + prose.LOWER + plain.BENIGN:
        hit = close(sentence, held, index)
        if hit:
            found += 1
            print(f"{sentence!r}: {hit[0]}: {hit[1][:150]!r}")
    print(f"{found} of {len(prose.SENTENCES + prose.LOWER + plain.BENIGN)} sentences are close to one of {len(held)} rows")
    sys.exit(found > 0)


if __name__ == "__main__":
    main()
