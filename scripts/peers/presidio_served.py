"""Steps of presidio.sh: presidio_served.py PLACE

Presidio's own engines and the program's /analyze and /anonymize are given the same: findings stand at the same places under the same names, texts and items come out
alike, and what one refuses the other does not do.
"""

import importlib.metadata
import inspect
import json
import logging
import random
import sys
from pathlib import Path

import presidio_analyzer
from presidio_analyzer import AnalyzerEngineProvider, predefined_recognizers
from presidio_anonymizer import AnonymizerEngine
from presidio_anonymizer.services.app_entities_convertor import AppEntitiesConvertor
from presidio_asked import Served

NO_MODEL = Path(presidio_analyzer.__file__).parent / "conf" / "no_op.yaml"
SEED = 40
CASES = 200
# It fetches a list of domains, and prints pages where it cannot; then it takes the list that it came with, as it should.
logging.getLogger("tldextract").setLevel(logging.CRITICAL)
# Names of ours that differ from what we call the class ourselves, as docs/presidio.md has them.
RENAMED = """ABA_ROUTING_NUMBER CREDIT_CARD CRYPTO DATE_TIME EMAIL_ADDRESS FI_PERSONAL_IDENTITY_CODE IBAN_CODE IT_VAT_CODE KR_DRIVER_LICENSE MEDICAL_LICENSE
PHONE_NUMBER SG_NRIC_FIN TH_TNIN TR_NATIONAL_ID US_BANK_NUMBER US_DRIVER_LICENSE ZA_ID_NUMBER""".split()
# What both know by a check or by its whole form; letters of one to four bytes stand before it.
TEXTS = [
    "é € 𝄞 write to ada.lindqvist@mail.example.org today",
    "𝄞 card 4111 1111 1111 1111, account DE89 3704 0044 0532 0130 00.",
    "Ada: 5555555555554444 or bob@example.org; carol@example.org",
    "nothing at all",
]
KNOWN_TO_BOTH = ["CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE"]
OPERATORS = [
    {"type": "replace"},
    {"type": "replace", "new_value": "𝄞 new"},
    {"type": "replace", "new_value": ""},
    {"type": "redact"},
    {"type": "keep"},
    {"type": "mask", "masking_char": "*", "chars_to_mask": 2, "from_end": False},
    {"type": "mask", "masking_char": "€", "chars_to_mask": 100, "from_end": True},
    {"type": "mask", "masking_char": "*", "chars_to_mask": -1, "from_end": True},
    {"type": "hash", "hash_type": "sha256", "salt": "sixteen bytes..!"},
    {"type": "hash", "hash_type": "sha512", "salt": "sixteen bytes..!"},
]
WRONG = [
    {"type": "mask", "masking_char": "**", "chars_to_mask": 2, "from_end": False},
    {"type": "mask", "masking_char": "*", "from_end": False},
    {"type": "mask", "masking_char": "*", "chars_to_mask": "2", "from_end": False},
    {"type": "hash", "hash_type": "md5"},
    {"type": "hash", "salt": "short"},
    {"type": "unheard-of"},
    {"type": "replace", "new_value": 7},
    {},
]


def by_presidio(text, results, anonymizers):
    """What its service answers: its own reading of the request, its engine, its writing of the answer."""
    operators = AppEntitiesConvertor.operators_config_from_json(json.loads(json.dumps(anonymizers)))
    found = AppEntitiesConvertor.analyzer_results_from_json(results)
    return json.loads(AnonymizerEngine().anonymize(text=text, analyzer_results=found, operators=operators).to_json())


def names(served):
    """Every name of the table is one of Presidio's, and can be asked for here."""
    theirs = set()
    for _, recognizer in inspect.getmembers(predefined_recognizers, inspect.isclass):
        parameter = inspect.signature(recognizer.__init__).parameters.get("supported_entity")
        theirs |= {parameter.default} if parameter else set()
    ours = set(served.asked("supportedentities").body)
    for name in RENAMED:
        assert name in theirs, f"Presidio knows no {name}"
        assert name in ours, f"{name} cannot be asked for"
    return len(theirs & ours)


def analysed(served):
    engine = AnalyzerEngineProvider(nlp_engine_conf_file=NO_MODEL).create_engine()
    seen = 0
    for text in TEXTS:
        asked = {"text": text, "language": "en", "entities": KNOWN_TO_BOTH}
        answer = served.asked("analyze", asked)
        assert answer.status == 200, f"{text}: {answer.status} {answer.body}"
        told = {(found["entity_type"], found["start"], found["end"]) for found in answer.body}
        expected = {(found.entity_type, found.start, found.end) for found in engine.analyze(**asked)}
        assert told == expected, f"{text}: {told}, Presidio {expected}"
        members = engine.analyze(text=TEXTS[0], language="en")[0].to_dict().keys()
        assert all(found.keys() == members for found in answer.body), f"other members than Presidio's {set(members)}: {answer.body}"
        # As a client hands it on: what was found here, to their anonymiser and to ours.
        same(served, text, answer.body, {})
        assert sum(found["count"] for found in served.recorded(answer).get("passed", [])) == len(told), served.recorded(answer)
        seen += len(told)
    return seen


def same(served, text, results, anonymizers):
    answer = served.asked("anonymize", {"text": text, "anonymizers": anonymizers, "analyzer_results": results})
    expected = by_presidio(text, results, anonymizers)
    case = f"{text!r} {results} {anonymizers}"
    assert answer.status == 200, f"{case}: {answer.status} {answer.body}"
    assert answer.body == expected, f"{case}: {answer.body}, Presidio {expected}"


def anonymised(served):
    """Random texts, findings that overlap, touch and hold nothing, and operators."""
    chosen = random.Random(SEED)
    for _ in range(CASES):
        text = "".join(chosen.choice("ab  \n€𝄞") for _ in range(chosen.randint(1, 16)))
        results = []
        for _ in range(chosen.randint(0, 7)):
            start, end = sorted(chosen.choices(range(len(text) + 1), k=2))
            results.append({"start": start, "end": end, "score": chosen.choice([0.1, 0.5, 0.9]), "entity_type": chosen.choice("XYZ")})
        anonymizers = {entity: chosen.choice(OPERATORS) for entity in chosen.sample(["X", "Y", "Z", "DEFAULT"], chosen.randint(0, 4))}
        same(served, text, results, anonymizers)


def refused(served):
    results = [{"start": 0, "end": 2, "score": 1.0, "entity_type": "X"}]
    wrong = [("ab", results, {"DEFAULT": operator}) for operator in WRONG]
    wrong += [("ab", [{**results[0], "end": 3}], {}), ("ab", [{**results[0], "start": -1}], {}), ("ab", [{**results[0], "entity_type": ""}], {})]
    for text, found, anonymizers in wrong:
        try:
            raise AssertionError(f"Presidio takes {found} {anonymizers}: {by_presidio(text, found, anonymizers)}")
        except AssertionError:
            raise
        except Exception:  # whatever it raises becomes an answer of 4xx or 5xx there
            pass
        answer = served.asked("anonymize", {"text": text, "anonymizers": anonymizers, "analyzer_results": found})
        assert answer.status == 400 and set(answer.body) == {"error"}, f"{found} {anonymizers}: {answer.status} {answer.body}"
    return len(wrong)


def main(place):
    served = Served(place)
    known = names(served)
    found = analysed(served)
    anonymised(served)
    wrong = refused(served)
    served.nothing_kept("ada.lindqvist", "4111 1111", "5555555555554444", "DE89")
    served.stop()
    version = importlib.metadata.version("presidio-anonymizer")
    print(f"presidio {version} beside what is served: {known} names in common, {found} findings at the same places, {CASES} texts anonymised alike, {wrong} refusals")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
