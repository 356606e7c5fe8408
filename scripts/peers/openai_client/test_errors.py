"""Failures: each in the class that applications catch, tried again when that can help and never otherwise."""

import unittest

import httpx2
import openai
from replay import Replay, wire
from settings import (
    ECHO,
    PROVIDER_URLS,
    PURPOSE_HEADER,
    RECORD_HEADER,
    REPLAY,
    RETRY_COUNT_HEADER,
    api_key,
    client,
    governed,
    required,
    says,
    scene,
    url,
)


class WithReplay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.replay = cls.enterClassContext(Replay(PROVIDER_URLS[REPLAY]))


class OfTheProvider(WithReplay):
    def test_a_busy_provider_is_tried_again_and_answers(self):
        chat, attempts = client(REPLAY)
        messages, number = scene("busy-twice")
        answer = chat.chat.completions.create(model=REPLAY, messages=messages)
        self.assertEqual(answer.id, "chatcmpl-wire0001")
        self.assertEqual([response.status_code for response in attempts.responses], [503, 503, 200])
        received = self.replay.received[number]
        self.assertEqual(len(received.bodies), 3, "something in between retried besides the SDK, or kept an attempt back")
        counts = [request.headers[RETRY_COUNT_HEADER] for request in attempts.requests]
        self.assertEqual(counts, ["0", "1", "2"], "attempts could not be told apart")

    def test_a_provider_that_stays_busy_ends_in_its_error(self):
        chat, attempts = client(REPLAY)
        with self.assertRaises(openai.InternalServerError) as raised:
            chat.chat.completions.create(model=REPLAY, messages=scene("busy")[0])
        self.assertEqual((raised.exception.status_code, raised.exception.code), (503, "overloaded"))
        self.assertEqual(len(attempts), 3)

    def test_a_providers_limit_is_its_own_error(self):
        chat, attempts = client(REPLAY, max_retries=1)
        with self.assertRaises(openai.RateLimitError) as raised:
            chat.chat.completions.create(model=REPLAY, messages=scene("limited")[0])
        self.assertEqual(raised.exception.code, "rate_limit_exceeded")
        self.assertEqual(len(attempts), 2)

    def test_a_providers_refusal_is_not_tried_again(self):
        chat, attempts = client(REPLAY)
        with self.assertRaises(openai.BadRequestError) as raised:
            chat.chat.completions.create(model=REPLAY, messages=scene("refused")[0])
        self.assertEqual(raised.exception.response.content, wire("error-400.json"), "the provider's own words were changed")
        self.assertEqual(len(attempts), 1)

    def test_an_error_in_mid_stream_is_raised_after_the_text_before_it(self):
        chat, _ = client(REPLAY)
        text = ""
        with self.assertRaises(openai.APIError) as raised:
            for chunk in chat.chat.completions.create(model=REPLAY, messages=scene("error-in-stream")[0], stream=True):
                text += chunk.choices[0].delta.content or ""
        self.assertEqual(text, "An instalment loan is repaid")
        self.assertIn("stopped while it was answering", raised.exception.message)

    def test_a_provider_that_dies_in_mid_stream_is_an_error_and_no_end(self):
        chat, _ = client(REPLAY)
        text = ""
        with self.assertRaises(openai.APIError, msg="half an answer would pass for a whole one"):
            for chunk in chat.chat.completions.create(model=REPLAY, messages=scene("dies")[0], stream=True):
                text += chunk.choices[0].delta.content or ""
        self.assertTrue("An instalment loan is repaid in equal".startswith(text), text)


@governed
class OfTheGateway(WithReplay):
    def denied(self, kind, call, code):
        """Runs a call that must be denied at once; gives the exception."""
        attempts, create = call
        with self.assertRaises(kind) as raised:
            create()
        error = raised.exception
        self.assertIn(error.code, [code] if isinstance(code, str) else code)
        self.assertEqual(len(attempts), 1, "one denial becomes several: the SDK tried again")
        self.assertEqual(error.response.headers["x-should-retry"], "false")
        self.assertEqual(set(error.body) & {"message", "type", "param", "code"}, {"message", "type", "param", "code"})
        return error

    def call(self, model, key=None, **options):
        chat, attempts = client(model, key)
        messages = options.pop("messages", None) or says("May I?")
        return attempts, lambda: chat.chat.completions.create(model=model, messages=messages, **options)

    def with_record(self, error):
        record = error.response.headers[RECORD_HEADER]
        self.assertTrue(record, "nobody could prove the denial")
        self.assertIn(record, str(error.body), "what the application logs of the exception leads to no receipt")

    def test_a_wrong_key(self):
        error = self.denied(openai.AuthenticationError, self.call(ECHO, "tk_wrong"), "invalid_api_key")
        self.assertNotIn("tk_wrong", error.message, "a secret, or half of one, ends in somebody's log")

    def test_a_revoked_key(self):
        self.denied(openai.AuthenticationError, self.call(ECHO, required("REVOKED_KEY")), "invalid_api_key")

    def test_a_model_that_is_not_permitted(self):
        codes = ["model_not_permitted", "policy_denied"]
        self.with_record(self.denied(openai.PermissionDeniedError, self.call(required("FORBIDDEN_MODEL")), codes))

    def test_a_purpose_that_is_not_permitted_reaches_no_provider(self):
        messages, number = scene("chat")
        purpose = {PURPOSE_HEADER: required("FORBIDDEN_PURPOSE")}
        for stream in (False, True):
            call = self.call(REPLAY, messages=messages, extra_headers=purpose, stream=stream)
            self.with_record(self.denied(openai.PermissionDeniedError, call, "purpose_not_permitted"))
        self.assertEqual(self.replay.received[number].bodies, [], "a denied request has left the house")

    def test_an_unknown_model(self):
        self.denied(openai.NotFoundError, self.call("no-such-model"), "unknown_model")

    def test_a_route_that_is_not_governed(self):
        chat, attempts = client(ECHO)
        self.denied(openai.NotFoundError, (attempts, chat.fine_tuning.jobs.list), "unknown_route")

    def test_a_declared_route_that_nobody_opened(self):
        chat, attempts = client(ECHO)
        self.denied(openai.PermissionDeniedError, (attempts, chat.files.list), "opaque_not_enabled")

    def test_bodies_that_are_no_request(self):
        headers = {"authorization": f"Bearer {api_key()}", "content-type": "application/json"}
        member = b'"messages":[{"role":"user","content":"hello"}]'
        bodies = {
            "a duplicate member": b'{"model":"echo","model":"wire-small",%s}' % member,
            "not UTF-8": b'{"model":"echo","messages":[{"role":"user","content":"\xff"}]}',
            "too deep": b'{"model":"echo",%s,"x":%s}' % (member, b"[" * 10_000 + b"]" * 10_000),
            "cut short": b'{"model":"echo","messages":[',
            "no model": b"{%s}" % member,
            "no object": b"[1]",
            "empty": b"",
        }
        for name, body in bodies.items():
            with self.subTest(name):
                answer = httpx2.post(f"{url(ECHO)}/chat/completions", content=body, headers=headers)
                self.assertEqual((answer.status_code, answer.json()["error"]["code"]), (400, "malformed_body"))

    def test_a_provider_that_answers_rubbish(self):
        chat, _ = client(REPLAY, max_retries=0)
        with self.assertRaises(openai.InternalServerError) as raised:
            chat.chat.completions.create(model=REPLAY, messages=scene("rubbish")[0])
        self.assertEqual((raised.exception.status_code, raised.exception.code), (502, "upstream_malformed"))
