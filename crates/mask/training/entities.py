"""Persons, places and organisations put together from the lists. Every function takes the random source it draws from."""
import string

PARTICLES = ["de", "de la", "del", "da", "dos", "di", "van", "van der", "van den", "von", "zu", "el", "al", "bin", "ben", "ter", "le",
             "Van", "De", "Di", "La", "Le", "El", "Al", "Van der", "Von"]
STREETS_AFTER = ["Street", "St", "St.", "Road", "Rd", "Rd.", "Avenue", "Ave", "Ave.", "Lane", "Ln", "Drive", "Dr", "Dr.", "Court",
                 "Ct", "Place", "Pl", "Square", "Terrace", "Way", "Close", "Crescent", "Boulevard", "Blvd", "Parkway", "Circle",
                 "Loop", "Row", "Hill", "Gardens", "Grove", "Mews", "Park", "Walk", "Highway", "Trail", "Quay", "Wharf", "Pass",
                 "Pike", "Alley", "Ridge", "Path", "Green", "Esplanade", "Parade", "Plaza", "Crossing", "Bypass", "Mall"]
STREETS_JOINED = ["straße", "strasse", "str.", "gasse", "weg", "platz", "allee", "ring", "damm", "straat", "laan", "plein", "gracht",
                  "weg", "dijk", "kade", "singel", "gatan", "vägen", "gränd", "stigen", "vej", "gade", "allé", "gata", "veien",
                  "vegen", "katu", "tie", "kuja", "polku", "stræti", "götu", "brekka", "stræde", "parken", "bakken", "torget",
                  "utca", "steig", "ufer", "markt", "hof", "berg", "feld", "dreef", "steeg", "hof", "baan", "väg", "plan"]
STREETS_BEFORE = ["Rue", "Rue de", "Rue de la", "Rue du", "rue de", "rue des", "Avenue de", "avenue", "Boulevard", "Place", "Quai",
                  "Chemin de", "Allée des", "Impasse", "Via", "via", "Viale", "Piazza", "Corso", "Vicolo", "Strada", "Calle",
                  "Calle de", "C/", "Avenida", "Avda.", "Paseo", "Plaza", "Camino", "Carrera", "Ronda", "Travesía", "Rua",
                  "Rua da", "Av.", "Av. da", "Praça", "Travessa", "Largo", "Estrada", "Alameda", "ul.", "ulica", "al.", "pl.",
                  "os.", "Ulica", "nábřeží", "Jalan", "Jl.", "Strada", "Str.", "Bulevardul", "Calea", "Οδός", "Λ.", "ул.",
                  "проспект", "Rruga", "Plac", "Aleja", "Cesta", "Trg", "Sokak", "Carrer", "Paseo de la", "Via dei", "Rue des"]
STREETS_BEHIND = ["utca", "u.", "út", "tér", "köz", "körút", "Sokak", "Sok.", "Cad.", "Caddesi", "Mah.", "gatvė", "g.", "iela",
                  "tänav", "tee", "ulice", "cesta", "ulica", "náměstí", "bulvar", "street", "road", "avenue", "lane", "puiestee",
                  "mnt", "sétány", "park", "kapu"]
STREET_WORDS = ["Main", "High", "Church", "Station", "Park", "Oak", "Maple", "Elm", "Cedar", "Pine", "Birch", "Walnut", "Mill",
                "Victoria", "King", "Queen", "Bridge", "Lake", "Lakeview", "Hill", "School", "North", "South", "West", "East", "Market",
                "Harbour", "Garden", "River", "Spring", "Meadow", "Forest", "Sunset", "Chestnut", "Willow", "Cherry", "Washington",
                "Lincoln", "Jefferson", "Albert", "George", "Castle", "Manor", "Orchard", "Poplar", "Hawthorn", "Second", "Third",
                "Fifth", "1st", "2nd", "5th", "42nd", "Old", "New", "Grand", "Union", "Canal", "Abbey", "Beech", "Ash", "Holly"]
STREET_CORES = ["Roma", "Garibaldi", "Mazzini", "Verdi", "Mayor", "Cervantes", "Colón", "la Paix", "l'Église", "la République",
                "la Gare", "Moulin", "Victor Hugo", "Pasteur", "Liberdade", "Outubro", "Brasil", "Kościuszki", "Mickiewicza", "Polna",
                "Leśna", "Szkolna", "Kossuth", "Petőfi", "Rákóczi", "Kossuth Lajos", "Mimosas", "Independência", "Sucre", "Bolívar"]
STREET_STEMS = ["Haupt", "Bahnhof", "Schul", "Garten", "Berg", "Wald", "Linden", "Kirch", "Dorf", "Mühl", "Rosen", "Storg", "Kung",
                "Drottning", "Skol", "Kyrk", "Nygård", "Strand", "Kirke", "Molen", "Kerk", "Dorps", "Prinsen", "Keizers", "Stations",
                "Nieuw", "Oude", "Mannerheimin", "Koulu", "Puisto", "Rauhan", "Hverfis", "Lauga", "Eichen", "Birken", "Koninginne"]
UNITS = ["Apt.", "Apt", "Suite", "Ste.", "Unit", "Flat", "Floor", "Room", "Apartment", "Building", "Block", "#", "No.", "Wohnung", "Piso", "Bajo"]
ORG_TAILS = ["Ltd", "Ltd.", "Inc", "Inc.", "Inc", "LLC", "GmbH", "AG", "SA", "S.A.", "SpA", "S.p.A.", "BV", "B.V.", "NV", "AB", "ASA", "Oy", "A/S",
             "plc", "PLC", "Corp", "Corp.", "Corporation", "Group", "Holdings", "Partners", "& Co", "& Co.", "and Sons", "& Sons", "Limited",
             "Pty Ltd", "Sp. z o.o.", "SARL", "S.L.", "KG", "SE", "Company", "Co.", "LLP", "SAS", "Kft.", "d.o.o.", "s.r.o."]
ORG_KINDS = ["Industries", "Logistics", "Analytics", "Solutions", "Systems", "Technologies", "Foods", "Retail", "Medical", "Consulting",
             "Capital", "Bank", "Insurance", "Motors", "Airlines", "Energy", "Pharma", "Pharmaceuticals", "Media", "Studios", "Labs",
             "Software", "Networks", "Robotics", "Biotech", "Bioscience", "Ventures", "Financial", "Realty", "Properties", "Textiles",
             "Electronics", "Engineering", "Construction", "Farms", "Brewery", "Bakery", "Hotels", "Travel", "Shipping", "Freight",
             "Partners", "Associates", "Foundation", "Institute", "Hospital", "Clinic", "University", "College", "Academy", "School",
             "Council", "Trust", "Press", "Publishing", "Records", "Pictures", "Telecom", "Mobile", "Power", "Water", "Steel", "Mining",
             "Chemicals", "Aerospace", "Dynamics", "Interactive", "Digital", "Health", "Healthcare", "Diagnostics", "Therapeutics",
             "Stores", "Outfitters", "Furniture", "Sports", "Security", "Legal", "Law Group", "Data", "Cloud", "Payments", "Credit Union"]
SYLLABLES = ["ver", "tra", "lux", "nex", "ora", "lyt", "ics", "sol", "ment", "zen", "cor", "plex", "ify", "dat", "vis", "pro", "syn", "mer",
             "alt", "gen", "net", "tec", "ix", "ion", "ium", "ado", "ell", "bri", "quan", "tum", "opt", "cap", "nov", "ar", "is", "ent",
             "sla", "sh", "dia", "pre", "con", "no", "te", "lo", "gic", "tri", "pod", "ly", "via", "key", "wave", "sight", "path", "hub",
             "base", "link", "stream", "loop", "grid", "scan", "bloom", "spark", "forge", "well", "tree", "tran", "quil", "mod", "api"]


class World:
    def __init__(self, first, last, places, words):
        self.locales = sorted(first)
        self.first, self.last = first, last
        english = [l for l in self.locales if l.split(":")[-1].startswith("en")]
        self.weighted = self.locales + english * 3
        self.cities, self.big, self.countries, self.regions, self.codes = places
        self.nations = sorted(self.cities)
        self.words = words
        self.common = words[10] + words[20] + words[35]
        self.nouns = [w.capitalize() for w in words[35] if 4 <= len(w) <= 9]

    # -- persons
    def given(self, r):
        return r.choice(self.first[r.choice(self.weighted)])

    def family(self, r):
        return r.choice(self.last[r.choice(self.weighted)])

    def initial(self, r):
        return r.choice(string.ascii_uppercase)

    def full(self, r):
        locale = r.choice(self.weighted)
        given = r.choice(self.first[locale])
        family = r.choice(self.last[locale]) if r.random() < .75 else self.family(r)
        k = r.random()
        if k < .60: return f"{given} {family}"
        if k < .67: return f"{given} {self.initial(r)}. {family}"
        if k < .74: return f"{given} {self.initial(r)} {family}"
        if k < .78: return f"{self.initial(r)}. {family}"
        if k < .80: return f"{self.initial(r)}.{self.initial(r)}. {family}"
        if k < .84: return f"{given} {self.given(r)} {family}"
        if k < .89: return f"{given} {family}-{self.family(r)}"
        if k < .91: return f"{given}-{r.choice(self.first[locale])} {family}"
        if k < .96: return f"{given} {r.choice(PARTICLES)} {family}"
        if k < .98: return f"{given} {r.choice(['O’', 'O', 'Mc', 'Mac', 'D', 'D’', 'al-', 'El-'])}{family}".replace(" O" + family, " O'" + family).replace(" D" + family, " D'" + family)
        return f"{given} {self.family(r)} {family}"

    def person(self, r):
        k = r.random()
        name = self.given(r) if k < .22 else self.full(r)
        return name.upper() if r.random() < .04 else name

    # -- places
    def city(self, r):
        name = r.choice(self.big) if r.random() < .25 else r.choice(self.cities[r.choice(self.nations)])
        return name.upper() if r.random() < .10 else name

    def country(self, r):
        return r.choice(self.countries)

    def region(self, r):
        return r.choice(self.regions)

    def place(self, r):
        k = r.random()
        if k < .50: return self.city(r)
        if k < .75: return self.country(r)
        if k < .85: return self.region(r)
        if k < .92: return f"{self.city(r)}, {self.country(r)}"
        if k < .97: return f"{self.city(r)}, {r.choice(self.codes)}"
        return f"{r.choice(['North', 'South', 'East', 'West', 'Northern', 'Central', 'Upper', 'New', 'Port', 'Mount', 'Lake', 'Saint', 'St.', 'San', 'Santa', 'Bad', 'Le', 'La', 'El', 'Los'])} {self.city(r)}"

    def house(self, r):
        n = str(r.choice([r.randint(1, 99), r.randint(1, 999), r.randint(100, 9999)]))
        return n + r.choice([""] * 12 + ["a", "B", "b", "/2", "-12", "C"])

    def street_core(self, r):
        k = r.random()
        if k < .30: return r.choice(STREET_WORDS)
        if k < .50: return self.family(r)
        if k < .62: return self.given(r)
        if k < .72: return r.choice(STREET_CORES)
        if k < .85: return self.city(r).title()
        if k < .93: return f"{self.given(r)} {self.family(r)}"
        return r.choice(self.nouns)

    def street(self, r):
        """street with house number, in the order of some country"""
        k, n = r.random(), self.house(r)
        if k < .38:
            return f"{n} {self.street_core(r)} {r.choice(STREETS_AFTER)}"
        if k < .56:
            stem = r.choice(STREET_STEMS) if r.random() < .5 else self.street_core(r).split(" ")[-1]
            return f"{stem}{r.choice(STREETS_JOINED)} {n}"
        if k < .78:
            name = f"{r.choice(STREETS_BEFORE)} {self.street_core(r)}"
            k = r.random()
            return f"{name} {n}" if k < .55 else f"{name}, {n}" if k < .65 else f"{n} {name}" if k < .85 else f"{n}, {name}"
        if k < .92:
            return f"{self.street_core(r)} {r.choice(STREETS_BEHIND)} {n}" + r.choice(["", ".", ""])
        return f"{self.street_core(r)} {n}" if r.random() < .6 else f"{n} {self.street_core(r)}"

    def postcode(self, r):
        d = lambda n: "".join(r.choice(string.digits) for _ in range(n))
        u = lambda n: "".join(r.choice("ABCDEFGHJKLMNPRSTUVWXY") for _ in range(n))
        return r.choice([d(5), d(5), d(5), d(5), d(4), f"{d(4)} {u(2)}", f"{u(1)}{d(1)}{u(1)} {d(1)}{u(1)}{d(1)}", f"{u(2)}{d(1)} {d(1)}{u(2)}",
                         f"{u(2)}{d(2)} {d(1)}{u(2)}", f"{u(1)}{d(1)} {d(1)}{u(2)}", f"{d(2)}-{d(3)}", f"{d(4)}-{d(3)}", f"{d(3)} {d(2)}", d(6), f"{d(5)}-{d(4)}", f"{u(1)}-{d(4)}"])

    def military(self, r):
        tail = f"{r.choice(['APO', 'FPO', 'DPO'])} {r.choice(['AA', 'AE', 'AP'])} {r.randint(0, 99999):05d}"
        head = r.choice([f"Unit {r.randint(1, 9999):04d} Box {r.randint(1, 9999):04d}", f"PSC {r.randint(1, 9999):04d}, Box {r.randint(1, 9999):04d}",
                         f"{r.choice(['USS', 'USNS', 'USCGC', 'USNV'])} {self.family(r)}", f"CMR {r.randint(1, 999)}, Box {r.randint(1, 9999)}"])
        return head + r.choice(["\n", ", ", " ", "\n"]) + tail

    def address(self, r):
        k = r.random()
        if k < .05: return self.military(r)
        street = f"P.O. Box {r.randint(1, 9999)}" if k < .09 else self.street(r)
        if r.random() < .14: street = f"{r.randint(1, 99999):0{r.choice([1, 3, 4, 5])}d} {street}"
        if r.random() < .07: return street
        sep = r.choice([", ", ", ", ", ", "\n", "\n ", "\n    ", " ", "\n, ", " - ", ","])
        city, code = self.city(r), self.postcode(r)
        town = r.choice([city, city, f"{code} {city}", f"{city} {code}", f"{city}, {r.choice(self.codes)} {code}", f"{city}{sep}{r.choice(self.codes)}{sep}{code}",
                         f"{city} {r.choice(self.codes)}", f"{city}{sep}{code}", city, f"{r.choice(['A', 'D', 'F', 'DK', 'S', 'CH'])}-{r.randint(1000, 99999)} {city}"])
        parts = [street]
        if r.random() < .28:
            unit = f"{r.choice(UNITS)} {r.choice([str(r.randint(1, 999)), f'{r.randint(1, 99)}{self.initial(r)}', f'{r.randint(0, 999):03d}'])}"
            if r.random() < .5: parts[0] += " " + unit
            else: parts.append(unit)
        parts.append(town)
        k = r.random()
        if k < .25: parts.append(self.country(r))
        elif k < .35: parts.append(f"{self.country(r)} {code}")
        elif k < .42: parts.append(self.region(r))
        text = sep.join(parts)
        if r.random() < .1: text = text.replace(", ", "\n", 1)
        return text.upper() if r.random() < .03 else text

    # -- organisations
    def coined(self, r):
        k = r.random()
        if k < .5: return "".join(r.choice(SYLLABLES) for _ in range(r.choice([2, 2, 3]))).capitalize()
        if k < .8: return r.choice(self.nouns) + r.choice(SYLLABLES)
        return r.choice(self.nouns) + r.choice(self.nouns)

    def organisation(self, r):
        k = r.random()
        core = r.choice([self.family(r), self.family(r), r.choice(self.nouns), r.choice(self.nouns), self.coined(r), self.coined(r), self.city(r).title(), self.given(r)])
        if k < .18: return f"{core} {r.choice(ORG_TAILS)}"
        if k < .38: return f"{core} {r.choice(ORG_KINDS)}"
        if k < .52: return f"{core} {r.choice(ORG_KINDS)} {r.choice(ORG_TAILS)}"
        if k < .58: return f"{self.family(r)} {r.choice(['&', 'and', '-'])} {self.family(r)}" + r.choice(["", " " + r.choice(ORG_TAILS)])
        if k < .62: return f"{self.family(r)}, {self.family(r)} and {self.family(r)}"
        if k < .67: return r.choice(["University of", "Bank of", "Institute of", "City of", "Museum of", "Embassy of", "College of", "Friends of"]) + " " + r.choice([self.city(r).title(), self.country(r)])
        if k < .70: return r.choice(["Banco", "Banca", "Universität", "Université de", "Hôpital", "Klinik", "Stiftung", "Grupo", "Società"]) + " " + core
        if k < .74: return "The " + core + " " + r.choice(ORG_KINDS)
        if k < .80: return f"{r.choice(self.nouns)} {r.choice(self.nouns)}" + r.choice(["", " " + r.choice(ORG_TAILS)])
        return self.coined(r)
