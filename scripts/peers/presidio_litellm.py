"""Steps of presidio.sh: presidio_litellm.py PLACE

LiteLLM's own Presidio guardrail, as it is, with the built program in the place of Presidio: it masks, blocks, and stops when its key is not taken.
"""

import asyncio
import importlib.metadata
import sys
from pathlib import Path

from litellm.exceptions import BlockedPiiEntityError, GuardrailRaisedException
from litellm.proxy.guardrails.guardrail_hooks.presidio import _OPTIONAL_PresidioPIIMasking as Guardrail
from presidio_asked import Served

CARD = "4111 1111 1111 1111"
TEXT = f"𝄞 write to ada.lindqvist@mail.example.org, card {CARD}."
MASKED = "𝄞 write to <EMAIL_ADDRESS>, card <CREDIT_CARD>."
NUMBERED = "𝄞 write to <EMAIL_ADDRESS_1>, card <CREDIT_CARD_2>."
ENTITIES = {"EMAIL_ADDRESS": "MASK", "CREDIT_CARD": "MASK"}


def made(url, text, numbered=False, entities=None):
    """What the guardrail makes of a text."""

    async def run():
        guardrail = Guardrail(
            guardrail_name="tests", presidio_analyzer_api_base=url, presidio_anonymizer_api_base=url, pii_entities_config=entities or ENTITIES
        )
        try:
            return await guardrail.check_pii(text=text, output_parse_pii=numbered, presidio_config=None, request_data={})
        finally:
            await guardrail._close_http_session()

    return asyncio.run(run())


def raises(kind, *arguments, **options):
    try:
        got = made(*arguments, **options)
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}, but {got!r}")


def main(place):
    served = Served(place)
    url = served.url(served.secret)
    assert made(url, TEXT) == MASKED, made(url, TEXT)
    assert made(url, TEXT, numbered=True) == NUMBERED, made(url, TEXT, numbered=True)
    assert made(url, "nothing at all") == "nothing at all"
    raises(BlockedPiiEntityError, url, TEXT, entities={**ENTITIES, "CREDIT_CARD": "BLOCK"})
    raises(GuardrailRaisedException, served.url("tbl_wrong"), TEXT)
    # Presidio would pass over what it does not know.
    raises(GuardrailRaisedException, url, TEXT, entities={**ENTITIES, "NRP": "MASK"})
    served.nothing_kept("ada.lindqvist", CARD)
    served.stop()
    version = importlib.metadata.version("litellm")
    print(f"litellm {version}: its Presidio guardrail masks, numbers and blocks with what is served, and stops without a key or where an entity is not looked for")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
