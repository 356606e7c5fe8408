"""Anthropic's official SDK: what an application written for it finds behind a gateway, and what its provider gets to see."""

import unittest

import anthropic
import openai
from settings import CLAUDE, GATEWAY_URL, PROVIDER_URLS, RECORD_HEADER, TIMEOUT_SECONDS, api_key, governed, required, says

EMAIL = "ada.lindqvist@mail.example.org"
TEXT = f"Write to {EMAIL} about the card 4111 1111 1111 1111."


def client(**options):
    root = (GATEWAY_URL or PROVIDER_URLS[CLAUDE]).removesuffix("/v1")
    # The library sends a bearer token; this provider, asked directly, still wants its older header.
    headers = {} if GATEWAY_URL else {"x-api-key": api_key()}
    return anthropic.Anthropic(**{"base_url": root, "api_key": api_key(), "default_headers": headers, "timeout": TIMEOUT_SECONDS, **options})


def ask(text, **options):
    return {"model": CLAUDE, "max_tokens": 256, "messages": says(text), **options}


class Messages(unittest.TestCase):
    def test_a_whole_answer(self):
        answer = client().messages.create(**ask("Hello"))
        self.assertEqual((answer.type, answer.role), ("message", "assistant"))
        self.assertIn("Hello", answer.content[0].text, "the echo says what it was told")
        self.assertGreater(answer.usage.output_tokens, 0)

    def test_a_stream(self):
        with client().messages.stream(**ask("Hello")) as stream:
            said = "".join(stream.text_stream)
            self.assertIn("Hello", said)
            self.assertEqual(stream.get_final_message().content[0].text, said, "its end holds what it said")

    def test_events_come_in_their_order(self):
        kinds = [event.type for event in client().messages.create(**ask("Hello"), stream=True)]
        self.assertEqual(kinds[0], "message_start")
        self.assertEqual(kinds[-1], "message_stop")
        self.assertIn("message_delta", kinds)


@governed
class Governed(unittest.TestCase):
    def test_the_application_gets_its_values_back(self):
        answer = client().messages.create(**ask(TEXT))
        self.assertIn(TEXT, answer.content[0].text, "placeholders were left in the answer")
        with client().messages.stream(**ask(TEXT)) as stream:
            self.assertIn(TEXT, "".join(stream.text_stream), "placeholders were left in the stream")

    def test_each_answer_names_its_record(self):
        answer = client().messages.with_raw_response.create(**ask("Hello"))
        self.assertEqual(answer.headers["request-id"], answer.headers[RECORD_HEADER], "the library shows the record's id")

    def test_both_ways_of_sending_a_key(self):
        client(api_key=None, auth_token=api_key()).messages.create(**ask("Hello"))
        for wrong in ("tbl_wrong", required("REVOKED_KEY")):
            with self.assertRaises(anthropic.AuthenticationError):
                client(api_key=wrong, max_retries=0).messages.create(**ask("Hello"))

    def test_a_refusal_is_the_librarys_own_exception(self):
        with self.assertRaises(anthropic.NotFoundError) as raised:
            client().messages.create(**{**ask("Hello"), "model": "no-such-model"})
        self.assertIn("unknown_model", str(raised.exception))
        with self.assertRaises(anthropic.BadRequestError):
            client().messages.create(**ask("Hello"), extra_body={"messages": "none"})

    def test_models_are_listed(self):
        self.assertIn(CLAUDE, [model.id for model in client().models.list()])
        self.assertEqual(client().models.retrieve(CLAUDE).type, "model")

    def test_the_other_interface_does_not_reach_this_provider(self):
        other = openai.OpenAI(base_url=GATEWAY_URL, api_key=api_key(), timeout=TIMEOUT_SECONDS)
        with self.assertRaises(openai.NotFoundError):
            other.chat.completions.create(model=CLAUDE, messages=says("Hello"))
