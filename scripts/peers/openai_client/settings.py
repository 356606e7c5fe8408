"""Where things are, from the environment, and clients that count their attempts.

From scripts/peers/openai-client.sh: ECHO_URL, REPLAY_URL, REAL_URL (empty when there is no real model here).
From whoever starts a gateway in front of those three, all or none (`tabellion` is then in PATH):
    BASE_URL          its OpenAI base URL
    API_KEY           a key of a live system that may use the models below for the purpose `loan-support`
    REVOKED_KEY       a key that was in force and is revoked
    FORBIDDEN_MODEL   a model that has an upstream and that the key may not use
    FORBIDDEN_PURPOSE a purpose that the key may not claim
    CONTROL_URL       the control plane
    TRUST_FILE        the trust file of its log
The gateway's configuration sends `echo` to ECHO_URL, `echo-claude` there too by Anthropic's interface, `echo-of-chats` and `echo-of-messages` as those two and translated for callers of the other interface, `wire-small` to REPLAY_URL, `wire-claude` there too by Anthropic's interface, and `smollm2-135m-instruct` to REAL_URL, each with
a key of the gateway's own for that provider (any; llm-katan wants one to be there).
"""

import os
import unittest
from itertools import count

import httpx2
import openai

ECHO, CLAUDE, REPLAY, REAL = "echo", "echo-claude", "wire-small", "smollm2-135m-instruct"
# Replayed in Anthropic's interface.
REPLAY_CLAUDE = "wire-claude"
# Translated by the gateway alone: no provider does it.
OF_CHATS, OF_MESSAGES = "echo-of-chats", "echo-of-messages"
PROVIDER_URLS = {ECHO: os.environ["ECHO_URL"], CLAUDE: os.environ["ECHO_URL"], REPLAY: os.environ["REPLAY_URL"], REAL: os.environ["REAL_URL"]}
GATEWAY_URL = os.environ.get("BASE_URL")
# What the gateway adds to OpenAI's format.
RECORD_HEADER = "tabellion-record"  # of the call's record, which the receipt is asked for by
SALT_HEADER = "tabellion-salt"  # by which the caller shows what it sent and got
PURPOSE_HEADER = "tabellion-purpose"
RETRY_COUNT_HEADER = "x-stainless-retry-count"  # the SDK's own
TIMEOUT_SECONDS = 60  # a call that hangs is a finding; the real model needs two

governed = unittest.skipUnless(GATEWAY_URL, "only a gateway does this; BASE_URL names none")
needs_real_model = unittest.skipUnless(PROVIDER_URLS[REAL], "the real model is not here; its start said why")


def required(name):
    """A setting that a gateway must bring; a test that cannot run then fails instead of being left out."""
    return os.environ[name]


class Attempts:
    """Requests that a client really sent: what the SDK tries again shows here only."""

    def __init__(self):
        self.requests, self.responses = [], []

    def __len__(self):
        return len(self.requests)


def client(model, key=None, **options):
    """(client, its attempts) for a model, through the gateway when there is one."""
    attempts = Attempts()
    http = httpx2.Client(
        event_hooks={"request": [attempts.requests.append], "response": [attempts.responses.append]}, timeout=TIMEOUT_SECONDS
    )
    unittest.addModuleCleanup(http.close)
    return openai.OpenAI(base_url=url(model), api_key=key or api_key(), http_client=http, **options), attempts


def async_client(model, **options):
    return openai.AsyncOpenAI(base_url=url(model), api_key=api_key(), timeout=TIMEOUT_SECONDS, **options)


def url(model):
    return GATEWAY_URL or PROVIDER_URLS[model]


def api_key():
    return required("API_KEY") if GATEWAY_URL else "any"


def says(text):
    return [{"role": "user", "content": text}]


_numbers = count(1)


def scene(name):
    """(messages, id) that make the replaying provider play a scene; the id finds what it received."""
    number = f"{name}-{next(_numbers)}"
    return says(f"scene {name} {number}"), number
