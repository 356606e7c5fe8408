"""Writes the training corpus: one JSON line a text, with labelled ranges in code points. Deterministic for one seed and one set
of package versions. Usage: corpus.py NAMES.json WORDLIST_FOLDER OUT_FOLDER [texts] [seed]"""
import json
import pathlib
import random
import re
import string
import sys

import entities
import foreign
import lists
import plain
import prose
import technical

SLOT = re.compile(r"\{(person|given|family|place|city|country|region|address|street|org|[A-Za-z][A-Za-z0-9_]*)\}")
LABEL = {"person": "P", "given": "P", "family": "P", "place": "L", "city": "L", "country": "L", "region": "L", "address": "L", "street": "L", "org": "O"}


HEADS = {"person": ["patient", "client", "user", "employee", "student", "member", "player", "Agent"], "given": ["first"], "family": ["last"], "city": ["City"], "country": ["Country"],
         "address": ["Address"], "org": ["Company", "Firm"]}


class Maker:
    def __init__(self, world, r):
        self.world, self.r = world, r
        names = {n.lower() for listed in (world.first, world.last) for names in listed.values() for n in names}
        # Ordinary words that are somebody's name.
        self.ambiguous = [w for size in (10, 20, 35) for w in world.words[size] if len(w) > 2 and w in names]
        self.foreign_words = foreign.words()
        self.languages = sorted(self.foreign_words) + ["de"] * 6 + ["fr", "es", "it", "nl", "pt"] * 2
        self.lower_nouns = [w for size in (10, 20, 35) for w in world.words[size] if 4 <= len(w) <= 10 and not w.endswith("s")]

    # -- values
    def entity(self, kind):
        w, r = self.world, self.r
        return {"person": w.person, "given": w.given, "family": w.family, "place": w.place, "city": w.city, "country": w.country,
                "region": w.region, "address": w.address, "street": w.street, "org": w.organisation}[kind](r)

    def word(self):
        return self.r.choice(self.world.words[self.r.choice((10, 10, 20, 35))])

    def heading(self):
        r = self.r
        small = ["of", "and", "the", "for", "in", "to", "a", "with"]
        return " ".join([self.word().capitalize()] + [r.choice(small) if r.random() < .2 else self.word().capitalize() for _ in range(r.randint(0, 4))] + [self.r.choice(self.lower_nouns).capitalize()])

    def digits(self, n):
        return "".join(self.r.choice(string.digits) for _ in range(n))

    def plain(self, slot):
        r = self.r
        k = slot
        if k == "word": return self.word()
        if k == "Word": return self.word().capitalize()
        if k == "WORD": return self.word().upper()
        if k in ("noun", "adj"): return r.choice(self.lower_nouns)
        if k == "Heading": return self.heading()
        if k == "HEADING": return self.heading().upper()
        if k == "num": return str(r.choice([r.randint(1, 99), r.randint(1, 9999), r.randint(1, 999999)]))
        if k == "d": return r.choice("1234")
        if k == "I": return r.choice(string.ascii_uppercase)
        if k == "place_noun": return r.choice(["office", "clinic", "branch", "airport", "station", "warehouse", "store", "hospital", "university", "team", "factory", "harbour", "marathon", "conference", "court", "plant", "police"])
        if k == "Camel": return self.word().capitalize() + self.word().capitalize() + (self.word().capitalize() if r.random() < .3 else "")
        if k == "Coined": return r.choice([self.world.coined(r), "".join(r.choice(entities.SYLLABLES) for _ in range(2)).capitalize(), self.word().capitalize() + r.choice(["DB", "JS", "Kit", "Lib", "OS", "API", "ML", "Hub", ""]), r.choice(self.lower_nouns).capitalize()])
        if k == "Algo": return r.choice(["SHA", "AES", "RSA", "P", "HMAC-SHA", "UTF", "ECDSA", "TLS", "ISO", "RFC", "FIPS", "ML-DSA", "BLAKE", "CRC", "X", "HTTP", "IEEE", "Ed", "AVX", "DER", "PEM", "NTP"]) + r.choice(["-", " ", ""]) + r.choice([str(r.randint(1, 999)), "256", "512", "128-GCM", "2.0", "1.3", "NI"])
        if k == "year": return str(r.randint(1900, 2030))
        if k == "date": return r.choice([f"{r.randint(1, 28)} {r.choice(prose.MONTHS)} {r.randint(1950, 2030)}", f"{r.choice(prose.MONTHS)} {r.randint(1, 28)}, {r.randint(1950, 2030)}", f"{r.randint(1950, 2030)}-{r.randint(1, 12):02d}-{r.randint(1, 28):02d}", f"{r.randint(1, 12)}/{r.randint(1, 28)}/{r.randint(1950, 2030)}"])
        if k == "month": return r.choice(prose.MONTHS)
        if k == "day": return r.choice(prose.DAYS + ["week", "month", "tomorrow"])
        if k == "time": return f"{r.randint(0, 23):02d}:{r.randint(0, 59):02d}" + r.choice(["", f":{r.randint(0, 59):02d}", " PM", "am"])
        if k == "money": return r.choice(["$", "€", "£", "USD ", "EUR "]) + f"{r.randint(1, 99999)}" + r.choice(["", ".50", " million"])
        if k == "phone": return r.choice([f"+{r.randint(1, 99)} {self.digits(2)} {self.digits(3)} {self.digits(4)}", f"({self.digits(3)}) {self.digits(3)}-{self.digits(4)}", f"{self.digits(3)}-{self.digits(3)}-{self.digits(4)}", self.digits(10), f"{self.digits(3)} {self.digits(4)}"])
        if k == "email": return f"{r.choice([self.world.given(r), self.word()]).lower()}{r.choice(['.', '_', '+', ''])}{self.word()}@{self.word()}.{r.choice(['com', 'org', 'net', 'de', 'co.uk'])}"
        if k == "card": return r.choice([self.digits(16), f"{self.digits(4)} {self.digits(4)} {self.digits(4)} {self.digits(4)}"])
        if k == "iban4": return f"{r.choice(string.ascii_uppercase)}{r.choice(string.ascii_uppercase)}{self.digits(2)} " + " ".join([r.choice([self.digits(4), "".join(r.choice(string.ascii_uppercase) for _ in range(4))])] + [self.digits(4) for _ in range(r.randint(3, 5))] + [self.digits(r.randint(1, 4))])
        if k == "ABB": return r.choice(["SSN", "DOB", "ID", "PIN", "ATM", "API", "SQL", "URL", "HTTP", "JSON", "CPU", "RAM", "VAT", "CEO", "FAQ", "PDF", "CSV", "TLS", "IP", "MAC", "UTC", "GMT", "USD", "EUR", "ETA", "HR", "IT", "PR", "QA", "TBD", "N/A", "OK", "TV", "DVD", "GPS", "IBAN", "BIC", "SKU", "ZIP", "Gate", "Room", "Dept", "Age", "Total", "Qty", "Price", "Date", "Status", "Notes"]) if r.random() < .7 else "".join(r.choice(string.ascii_uppercase) for _ in range(r.randint(2, 4)))
        if k == "iban": return "".join(r.choice(string.ascii_uppercase) for _ in range(2)) + self.digits(r.choice([18, 20]))
        if k in ("id", "ID"): return r.choice([self.digits(6), f"{r.choice(string.ascii_uppercase)}{self.digits(6)}", f"{r.choice(string.ascii_uppercase)}{r.choice(string.ascii_uppercase)}-{self.digits(5)}"])
        if k == "hex": return "".join(r.choice("0123456789abcdef") for _ in range(r.choice([8, 16, 40])))
        if k == "hash": return "".join(r.choice(string.ascii_letters + string.digits + "+/") for _ in range(r.choice([43, 86])))
        if k == "version": return f"{r.randint(0, 20)}.{r.randint(0, 20)}.{r.randint(0, 20)}" + r.choice(["", "-rc.1"])
        if k == "postcode": return self.world.postcode(r)
        if k == "key": return r.choice(prose.PLAIN_KEYS)
        if k == "nation": return r.choice(prose.NATIONS)
        if k == "product": return r.choice(plain.PRODUCTS)
        if k == "job": return r.choice(prose.JOBS)
        if k == "title": return r.choice(prose.TITLES)
        if k == "Food": return r.choice(plain.FOODS)
        if k == "food": return r.choice(plain.FOODS).lower()
        if k == "Style": return r.choice(plain.STYLES)
        if k == "cmd": return r.choice(plain.COMMANDS)
        if k == "Contraction": return r.choice(plain.CONTRACTIONS)
        if k == "contraction": return r.choice(plain.CONTRACTIONS).lower()
        if k == "Ambiguous": return r.choice(self.ambiguous).capitalize()
        return "{" + slot + "}"

    def fill(self, template, change=lambda text: text):
        """text and labelled ranges; `change` may alter the case but not the length"""
        text, spans, last = "", [], 0
        template = template.replace("\\n", "\n")
        for match in SLOT.finditer(template):
            text += template[last:match.start()]
            kind = match.group(1)
            if kind in LABEL:
                if kind in ("person", "family") and self.r.random() < (.10 if kind == "person" else .05):
                    text += self.r.choice(prose.TITLES) + " "
                value = self.entity(kind)
                spans.append([len(text), len(text) + len(value), LABEL[kind]])
                text += value
            else:
                text += self.plain(kind)
            last = match.end()
        text += template[last:]
        changed = change(text)
        return (changed if len(changed) == len(text) else text), spans

    # -- kinds of text
    def sentence(self):
        return self.fill(self.r.choice(prose.SENTENCES))

    def paragraph(self):
        return self.join([self.sentence() if self.r.random() < .6 else self.benign() for _ in range(self.r.randint(2, 4))], self.r.choice([" ", " ", "\n", "\n\n"]))

    def benign(self):
        return self.fill(self.r.choice(plain.BENIGN))

    def lower(self):
        return self.fill(self.r.choice(prose.LOWER), str.lower)

    def upper(self):
        return self.fill(self.r.choice(prose.SENTENCES), str.upper)

    def random_context(self):
        r = self.r
        words = lambda n: " ".join(self.word() for _ in range(n))
        kinds = [r.choice(["person", "person", "given", "family", "place", "city", "address", "org"]) for _ in range(r.randint(1, 2))]
        template = self.word().capitalize() + " " + words(r.randint(1, 5)) if r.random() < .75 else ""
        for kind in kinds:
            joint = {"place": ["in", "to", "from", "near", "of", "at"], "address": ["at", "to", "on", "in", ":"], "person": ["", "", "by", "with", "for", "to", "and", "that", "in", "of"], "given": ["", "", "and", "with", "to", "for", "of"], "family": ["", "", "and", "of", "with", "by", "for", "the"], "city": ["", "in", "to", "from", "near"], "org": ["at", "by", "for", "from", "with"]}[kind]
            template += f" {r.choice(joint)} {{{kind}}} " + words(r.randint(1, 5))
        return self.fill(re.sub("  +", " ", template).strip() + r.choice([".", "", "?", "!"]))

    def foreign(self):
        """a sentence of words of another language, with names in half of them"""
        r = self.r
        language = r.choice(self.languages)
        listed = self.foreign_words[language]
        words = lambda n: [r.choice(listed) for _ in range(n)]
        joints = foreign.JOINTS.get(language, foreign.PLAIN_JOINTS)
        parts = words(r.randint(2, 7))
        for _ in range(r.choice([0, 0, 0, 1, 1, 2])):
            kind = r.choice(["person", "person", "given", "family", "city", "place", "address", "org"])
            parts += [r.choice(joints[LABEL[kind]]), "{" + kind + "}"] + words(r.randint(1, 5))
        parts = [part for part in parts if part]
        if not parts[0].startswith("{"):
            parts[0] = parts[0][0].upper() + parts[0][1:]
        for at in range(1, len(parts) - 1):
            if r.random() < .08 and not parts[at].startswith("{"):
                parts[at] += r.choice([",", ",", ":", ".", " {num}"])
        if r.random() < .1:
            return self.fill("\n".join(f"{part.capitalize()}: {{num}}" for part in parts if not part.startswith("{")))
        return self.fill(" ".join(parts) + r.choice([".", "", "?", "!"]))

    def benign_context(self):
        r = self.r
        text = self.word().capitalize() + " " + " ".join(
            r.choice([self.word(), self.word(), self.word(), self.word(), self.word().capitalize(), r.choice(plain.PRODUCTS), r.choice(prose.NATIONS), r.choice(prose.DAYS), r.choice(prose.MONTHS), self.word().upper() if r.random() < .3 else self.word(), self.digits(r.randint(1, 6)), self.plain(r.choice(["Camel", "ABB", "Algo", "Coined", "version", "word", "word", "word"]))])
            for _ in range(r.randint(2, 14)))
        return text + ".", []

    def join(self, parts, between):
        text, spans = "", []
        for i, (piece, ranges) in enumerate(parts):
            if i: text += between
            spans += [[s + len(text), e + len(text), k] for s, e, k in ranges]
            text += piece
        return text, spans

    def pair(self):
        """key, value, labelled or not"""
        r = self.r
        k = r.random()
        if k < .45:
            return r.choice(prose.PLAIN_KEYS), self.fill(r.choice(["{word}", "{Word}", "{num}", "{Heading}", "{email}", "{phone}", "{id}", "{date}", "{product}", "{word} {word}", "{word}-{word}", "{nation}"]))
        kind = r.choice(list(prose.KEYS))
        value = "{" + kind + "}"
        change = str.lower if r.random() < .25 else (lambda t: t)
        filled = self.fill(value, change)
        return r.choice(prose.KEYS[kind]), (filled[0].replace("\n", ", ") if filled[0].count("\n") == 0 else filled[0].replace("\n", " "), filled[1])

    def record(self):
        r = self.r
        pairs = [self.pair() for _ in range(r.randint(1, 6))]
        style = r.choice(["json", "json", "jsonlines", "kv", "yaml", "xml", "js", "query", "form", "label", "log", "sql", "python"])
        parts = []
        for key, (value, spans) in pairs:
            words = key.replace("_", " ")
            front, back = {"json": (f'"{key}": "', '"'), "jsonlines": (f'  "{key}": "', '"'), "kv": (f'{key}="', '"') if " " in value else (f"{key}=", ""), "yaml": (f"{key}: ", ""),
                           "xml": (f"<{key}>", f"</{key}>"), "js": (f'{key}: "', '"'), "query": (f"{key}=", ""), "form": (f"{words.capitalize()}: ", ""), "label": (f"{words.title()}: ", ""),
                           "log": (f"{key}=", ""), "sql": ("'", "'"), "python": (f'{key}="', '"')}[style]
            parts.append((front + value + back, [[s + len(front), e + len(front), k] for s, e, k in spans]))
        between = {"json": ", ", "jsonlines": ",\n", "kv": " ", "yaml": "\n", "xml": r.choice(["", "\n"]), "js": ", ", "query": "&", "form": "\n", "label": "\n", "log": " ", "sql": ", ", "python": ", "}[style]
        text, spans = self.join(parts, between)
        front, back = {"json": ("{", "}"), "jsonlines": ("{\n", "\n}"), "xml": ("<user>", "</user>"), "js": ("const x = { ", " };"), "query": ("https://example.com/?", ""), "log": (f"2026-0{r.randint(1, 9)}-1{r.randint(0, 9)}T10:00:00Z INFO ", ""),
                       "sql": (f"INSERT INTO {self.word()}s VALUES (", ");"), "python": (r.choice(["create_user(", "send_mail(", "User(", "dict("]), ")")}.get(style, ("", ""))
        return front + text + back, [[s + len(front), e + len(front), k] for s, e, k in spans]

    def table(self):
        r = self.r
        kinds = [r.choice(["person", "given", "family", "city", "country", "address", "org", None, None, None]) for _ in range(r.randint(2, 5))]
        names = [r.choice(prose.KEYS[k] + [self.word()] + HEADS[k]) if k else r.choice([r.choice(self.ambiguous), r.choice(self.ambiguous).capitalize(), "id", "email", "phone", "amount", "score", "date", "status", "plan", "ssn", "SSN", "bed", "room", "age", "Dept", "total", "IBAN", "card", self.word(), self.word(), self.word().upper()]) for k in kinds]
        markdown = r.random() < .3
        sep = " | " if markdown else r.choice([",", ",", ",", ";", "\t", ", "])
        rows = [(sep.join((n.title() if n.islower() else n) if markdown else n for n in names), [])]
        if markdown: rows.append(("|".join(["---"] * len(names)), []))
        for _ in range(r.randint(1, 4)):
            cells = []
            for kind in kinds:
                text, spans = self.fill("{" + kind + "}") if kind else (self.fill(r.choice(["{num}", "{email}", "{phone}", "{id}", "{date}", "{word}", "{Word}"])))
                text = text.replace("\n", " ")
                if "," in text and not markdown: text, spans = f'"{text}"', [[s + 1, e + 1, k] for s, e, k in spans]
                cells.append((text, spans))
            rows.append(self.join(cells, sep))
        if markdown: rows = [("| " + t + " |", [[s + 2, e + 2, k] for s, e, k in sp]) for t, sp in rows]
        return self.join(rows, "\n")

    def quoted(self, filled):
        """every line behind a mark, as in a quoted mail; a range over lines becomes one a line"""
        mark = self.r.choice(["> ", ">", "* ", "- ", "  ", "# ", "// ", "| ", "    "])
        text, spans, at = "", [], 0
        for line in filled[0].split("\n"):
            start = len(text) + len(mark)
            for s, e, kind in filled[1]:
                first, last = max(s, at), min(e, at + len(line))
                piece = line[first - at:last - at]
                if first < last and piece.strip(" ,."):
                    lead = len(piece) - len(piece.lstrip(" ,."))
                    spans.append([start + first - at + lead, start + last - at, kind])
            text += mark + line + "\n"
            at += len(line) + 1
        return text[:-1], spans

    def text(self):
        filled = self.one()
        if "\n" in filled[0] and self.r.random() < .12:
            return self.quoted(filled)
        return filled

    def one(self):
        k = self.r.random()
        if k < .10: return self.foreign()
        if k < .33: return self.sentence()
        if k < .39: return self.paragraph()
        if k < .50: return self.benign()
        if k < .60: return self.benign_context()
        if k < .70: return self.random_context()
        if k < .75: return self.lower()
        if k < .77: return self.upper()
        if k < .88: return self.record()
        return self.table()


def main():
    names, folder, out = sys.argv[1:4]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 150_000
    r = random.Random(int(sys.argv[5]) if len(sys.argv) > 5 else 1)
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    first, last = lists.people(names)
    words = lists.words(folder)
    places = lists.places()
    world = entities.World(first, last, places, words)
    maker = Maker(world, r)
    with open(out / "corpus.jsonl", "w", encoding="utf-8") as file:
        for _ in range(count):
            if r.random() < .06:
                field, (text, spans) = maker.pair()
                file.write(json.dumps({"text": text, "spans": spans, "field": field}, ensure_ascii=False) + "\n")
                continue
            text, spans = maker.text()
            file.write(json.dumps({"text": text, "spans": spans}, ensure_ascii=False) + "\n")
        for text in technical.texts(r, first, places, count // 6):
            file.write(json.dumps({"text": text, "spans": []}, ensure_ascii=False) + "\n")
    others = {word.lower() for listed in maker.foreign_words.values() for word in listed}
    technical.lexicon(out / "lexicon.tsv", first, last, lists.places(15000), words | {99: sorted(others)}, prose.KEYS, prose.PLAIN_KEYS)


if __name__ == "__main__":
    main()
