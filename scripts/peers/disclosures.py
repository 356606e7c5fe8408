"""Hands our SD-JWTs to the reference implementation of RFC 9901, which must accept every subset of a record's fields and refuse each with one byte changed.

    disclosures.py DIRECTORY        DIRECTORY as sd-jwt.sh makes it

Its parsing, its digests and its signature check; from us come the texts and the public key.
"""

import base64
import json
import sys
from pathlib import Path

from jwcrypto.jwk import JWK
from sd_jwt.holder import SDJWTHolder
from sd_jwt.verifier import SDJWTVerifier


class Refused(Exception):
    """The other implementation does not agree with us."""


def require(holds, what):
    if not holds:
        raise Refused(what)


def issuer_key(key):
    raw = base64.urlsafe_b64encode(base64.b64decode(key["public"])).rstrip(b"=").decode()
    return JWK.from_json(json.dumps({"kty": "OKP", "crv": "Ed25519", "x": raw}))


def claims(text, key):
    """What the other implementation reads of it, once it has verified it under `key`."""

    def named(issuer, header):
        require(issuer == "peers.example/log/sd-jwt", f"issuer {issuer}")
        require(header["kid"] == key["key_id"], "another key is named")
        require(header["alg"] == "EdDSA" and header["typ"] == "tabellion-record+sd-jwt", f"header {header}")
        return issuer_key(key)

    return SDJWTVerifier(text, named).get_verified_payload()


def is_refused(text, key):
    try:
        claims(text, key)
    except Exception:  # whatever it refuses with
        return True
    return False


def main(place):
    key = json.loads((place / "package-key.json").read_text())
    fields = {"amount_cents": 120000, "decision": "refused", "name": "Ada Lovelace"}
    for number in range(8):
        chosen = {name: value for bit, (name, value) in enumerate(fields.items()) if number >> bit & 1}
        text = (place / f"subset-{number}.sd-jwt").read_text().strip()
        seen = claims(text, key)
        require(seen["record"] == chosen, f"subset {number}: {seen['record']} instead of {chosen}")
        require(seen["entry"]["type"] == "loan.decided" and seen["entry"]["index"] == int((place / "index").read_text()), f"{seen}")
        parts = [base64.urlsafe_b64decode(part + "==") for part in text.replace(".", "~").split("~")]
        for name, value in fields.items():
            stands = any(str(value).encode() in part for part in parts)
            require(stands == (name in chosen), f"subset {number}: {name} is withheld and stands in it, or the other way round")
    whole = (place / "subset-7.sd-jwt").read_text().strip()
    # Whoever holds the whole may pass on less, without us.
    holder = SDJWTHolder(whole)
    holder.create_presentation({"record": {"decision": True}})
    require(claims(holder.sd_jwt_presentation, key)["record"] == {"decision": "refused"}, "a holder cannot pass on less")
    jwt, *disclosures = whole.rstrip("~").split("~")
    other = base64.urlsafe_b64encode(b'["AAAAAAAAAAAAAAAAAAAAAA","amount_cents",1]').rstrip(b"=").decode()
    require(is_refused(f"{jwt}~{other}~", key) or "amount_cents" not in claims(f"{jwt}~{other}~", key)["record"], "an invented value was taken")
    require(is_refused("~".join([jwt, *disclosures, disclosures[0], ""]), key), "a disclosure given twice was taken")
    changed = 0
    for at, character in enumerate(jwt):
        if character == ".":
            continue
        # The last of 86 characters of a signature carries two bits of it: change those.
        swapped = "A" if character not in "ABCDEFGHIJKLMNOP" else "w"
        require(is_refused(f"{jwt[:at]}{swapped}{jwt[at + 1 :]}~", key), f"character {at} changed and it still verifies")
        changed += 1
    print(f"sd-jwt: all 8 subsets of three fields verified; {changed} changed characters were refused")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
