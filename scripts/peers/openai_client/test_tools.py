"""Tool calls: what a model asks to have done must arrive as it was asked, to the byte."""

import json
import unittest

from replay import Replay, wire
from settings import ECHO, PROVIDER_URLS, REPLAY, client, says, scene

CALLS = json.loads(wire("chat-tools.json"))["choices"][0]["message"]["tool_calls"]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "lookup_rate",
            "description": "The yearly rate of a loan",
            "parameters": {
                "type": "object",
                "properties": {"product": {"type": "string"}, "term_months": {"type": "integer"}},
                "required": ["product", "term_months"],
            },
        },
    }
]


class Tools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.replay = cls.enterClassContext(Replay(PROVIDER_URLS[REPLAY]))

    def create(self, messages, **options):
        return client(REPLAY)[0].chat.completions.create(model=REPLAY, messages=messages, tools=TOOLS, **options)

    def test_calls_arrive_with_their_arguments(self):
        message = self.create(scene("tools")[0]).choices[0].message
        self.assertEqual([call.model_dump() for call in message.tool_calls], CALLS, "a tool would run with other arguments")

    def test_calls_of_a_stream_arrive_with_their_arguments(self):
        calls = {}
        reasons = []
        for chunk in self.create(scene("tools")[0], stream=True):
            reasons.append(chunk.choices[0].finish_reason)
            for part in chunk.choices[0].delta.tool_calls or []:
                call = calls.setdefault(part.index, {"type": "function", "function": {"arguments": ""}})
                if part.id:
                    call["id"] = part.id
                    call["function"]["name"] = part.function.name
                call["function"]["arguments"] += part.function.arguments
        self.assertEqual(list(calls.values()), CALLS, "a tool would run with other arguments than the model wrote")
        self.assertEqual(reasons[-1], "tool_calls")

    def test_the_sdks_own_joining_of_a_stream_agrees(self):
        with client(REPLAY)[0].chat.completions.stream(model=REPLAY, messages=scene("tools")[0], tools=TOOLS) as stream:
            message = stream.get_final_completion().choices[0].message
        joined = [call.function.arguments for call in message.tool_calls]
        self.assertEqual(joined, [call["function"]["arguments"] for call in CALLS])

    def test_definitions_and_results_reach_the_provider_as_they_are(self):
        messages, number = scene("chat")
        result = {"role": "tool", "tool_call_id": CALLS[0]["id"], "content": '{"rate":  4.50, "note": "\\u00fc"}'}
        history = [*says("The rate for 48 months?"), {"role": "assistant", "content": None, "tool_calls": CALLS}, result]
        self.create([*history, *messages], tool_choice="auto", parallel_tool_calls=False)
        sent = json.loads(self.replay.received[number].bodies[0])
        self.assertEqual(sent["messages"], [*history, *messages], "the model would decide on other results")
        self.assertEqual(sent["tools"], TOOLS)
        self.assertEqual((sent["tool_choice"], sent["parallel_tool_calls"]), ("auto", False))

    def test_another_providers_calls(self):
        answer = client(ECHO)[0].chat.completions.create(model=ECHO, messages=says("The rate?"), tools=TOOLS)
        call = answer.choices[0].message.tool_calls[0].function
        self.assertEqual(call.name, "lookup_rate")
        self.assertEqual(set(json.loads(call.arguments)), {"product", "term_months"})
