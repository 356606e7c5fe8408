"""Anthropic's official SDK where a provider fails, calls tools or counts: each error in the class that applications catch, tried again when that can help."""

import json
import unittest

import anthropic
from claude import COUNTED, OVERLOADED, TEXT, TOOL_INPUT, USED
from replay import Replay
from settings import GATEWAY_URL, PROVIDER_URLS, REPLAY, REPLAY_CLAUDE, RETRY_COUNT_HEADER, TIMEOUT_SECONDS, api_key, governed, says, scene

TOOL = {
    "name": "lookup_rate",
    "description": "The yearly rate of a loan",
    "input_schema": {
        "type": "object",
        "properties": {"product": {"type": "string"}, "term_months": {"type": "integer"}},
        "required": ["product", "term_months"],
    },
}


class WithReplay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.replay = cls.enterClassContext(Replay(PROVIDER_URLS[REPLAY]))

    def client(self, **options):
        root = (GATEWAY_URL or PROVIDER_URLS[REPLAY]).removesuffix("/v1")
        client = anthropic.Anthropic(base_url=root, api_key=api_key(), timeout=TIMEOUT_SECONDS, **options)
        self.addCleanup(client.close)
        return client.messages

    def ask(self, name, **options):
        """(what to ask with, what the provider received of it)"""
        messages, number = scene(name)
        return {"model": REPLAY_CLAUDE, "max_tokens": 256, "messages": messages, **options}, self.replay.received[number]


class Failures(WithReplay):
    def fails(self, kind, name, status, attempts, **options):
        asked, received = self.ask(name)
        with self.assertRaises(kind) as raised:
            self.client(**options).create(**asked)
        self.assertEqual(raised.exception.status_code, status)
        self.assertEqual(len(received.bodies), attempts, "something in between retried besides the SDK, or kept an attempt back")
        return raised.exception

    def test_a_busy_provider_is_tried_again_and_answers(self):
        asked, received = self.ask("claude-busy-twice")
        answer = self.client().create(**asked)
        self.assertEqual(answer.id, "msg_wire0001")
        self.assertEqual([headers[RETRY_COUNT_HEADER] for headers in received.headers], ["0", "1", "2"], "attempts could not be told apart")

    def test_a_provider_that_stays_busy_ends_in_its_error(self):
        error = self.fails(anthropic.APIStatusError, "claude-overloaded", OVERLOADED, 2, max_retries=1)
        self.assertEqual(error.body["error"]["type"], "overloaded_error", "the provider's own words were changed")

    def test_a_provider_that_is_broken_is_the_class_for_it(self):
        self.fails(anthropic.InternalServerError, "claude-broken", 500, 1, max_retries=0)

    def test_a_providers_limit_is_its_own_error(self):
        error = self.fails(anthropic.RateLimitError, "claude-limited", 429, 2, max_retries=1)
        self.assertIn("Too many tokens", str(error))

    def test_a_providers_refusal_is_not_tried_again(self):
        error = self.fails(anthropic.BadRequestError, "claude-refused", 400, 1)
        self.assertEqual(error.body["error"]["message"], "max_tokens: too large", "the provider's own words were changed")

    def test_an_error_in_mid_stream_is_raised_after_the_text_before_it(self):
        asked, _ = self.ask("claude-error-in-stream", stream=True)
        text = ""
        with self.assertRaises(anthropic.APIStatusError) as raised:
            for event in self.client().create(**asked):
                text += event.delta.text if event.type == "content_block_delta" else ""
        self.assertEqual(text, TEXT[0])
        self.assertIn("stopped while it was answering", str(raised.exception.body))

    @governed
    def test_a_provider_that_dies_in_mid_stream_is_an_error_and_no_end(self):
        asked, _ = self.ask("claude-dies", stream=True)
        kinds = []
        with self.assertRaises(anthropic.APIError, msg="half an answer would pass for a whole one"):
            kinds.extend(event.type for event in self.client().create(**asked))
        self.assertNotIn("message_stop", kinds)


class Tools(WithReplay):
    def test_a_call_arrives_with_its_arguments(self):
        asked, _ = self.ask("claude-tools", tools=[TOOL])
        answer = self.client().create(**asked)
        [used] = answer.content
        self.assertEqual((answer.stop_reason, used.id, used.name), ("tool_use", USED["id"], USED["name"]))
        self.assertEqual(used.input, TOOL_INPUT, "a tool would run with other arguments")

    def test_a_call_of_a_stream_arrives_with_its_arguments(self):
        asked, _ = self.ask("claude-tools", tools=[TOOL])
        with self.client().stream(**asked) as stream:
            pieces = [event.delta.partial_json for event in stream if event.type == "content_block_delta"]
            answer = stream.get_final_message()
        self.assertEqual(json.loads("".join(pieces)), TOOL_INPUT, "a tool would run with other arguments than the model wrote")
        self.assertEqual((answer.stop_reason, answer.content[0].input), ("tool_use", TOOL_INPUT))

    def test_definitions_and_results_reach_the_provider_as_they_are(self):
        asked, received = self.ask("claude", tools=[TOOL], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
        result = {"type": "tool_result", "tool_use_id": USED["id"], "content": '{"rate":  4.50, "note": "\\u00fc"}'}
        history = [
            *says("The rate for 48 months?"),
            {"role": "assistant", "content": [{**USED, "input": TOOL_INPUT}]},
            {"role": "user", "content": [result]},
        ]
        asked["messages"] = [*history, *asked["messages"]]
        self.client().create(**asked)
        sent = json.loads(received.bodies[0])
        self.assertEqual(sent["messages"], asked["messages"], "the model would decide on other results")
        self.assertEqual((sent["tools"], sent["tool_choice"]), (asked["tools"], asked["tool_choice"]))


class Counts(WithReplay):
    def test_tokens_are_counted_by_the_provider(self):
        asked, received = self.ask("claude-count", tools=[TOOL])
        del asked["max_tokens"]
        self.assertEqual(self.client().count_tokens(**asked).input_tokens, COUNTED)
        [body] = received.bodies
        self.assertEqual(json.loads(body)["tools"], [TOOL], "something else was counted")

    def test_a_limit_while_counting_is_the_class_for_it(self):
        asked, _ = self.ask("claude-limited")
        del asked["max_tokens"]
        with self.assertRaises(anthropic.RateLimitError):
            self.client(max_retries=0).count_tokens(**asked)
