"""Each vendor's official SDK at a provider of the other vendor's interface, through the gateway: llm-katan speaks both, and each model here is behind one of them."""

import json
import unittest

import anthropic
import openai
from settings import GATEWAY_URL, OF_CHATS, OF_MESSAGES, TIMEOUT_SECONDS, api_key, governed, says

EMAIL = "ada.lindqvist@mail.example.org"
TEXT = f"Write to {EMAIL} about the card 4111 1111 1111 1111."
TRANSLATED_HEADER = "tabellion-translated"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@governed
class ChatsAtAProviderOfMessages(unittest.TestCase):
    def setUp(self):
        client = openai.OpenAI(base_url=GATEWAY_URL, api_key=api_key(), timeout=TIMEOUT_SECONDS, max_retries=0)
        self.addCleanup(client.close)
        self.chats = client.chat.completions

    def ask(self, text, **options):
        return self.chats.create(**{"model": OF_MESSAGES, "messages": says(text), "max_completion_tokens": 256, **options})

    def test_a_whole_answer(self):
        answer = self.chats.with_raw_response.create(model=OF_MESSAGES, messages=says(TEXT))
        self.assertEqual(answer.headers[TRANSLATED_HEADER], "anthropic")
        chat = answer.parse()
        self.assertIn(TEXT, chat.choices[0].message.content, "the echo says what it was told, with its values")
        self.assertEqual(chat.choices[0].finish_reason, "stop")
        self.assertEqual(chat.usage.total_tokens, chat.usage.prompt_tokens + chat.usage.completion_tokens)
        self.assertGreater(chat.usage.completion_tokens, 0)

    def test_a_stream(self):
        chunks = list(self.ask(TEXT, stream=True, stream_options={"include_usage": True}))
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertIn(TEXT, said)
        self.assertEqual([chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1], "stop")
        self.assertGreater(chunks[-1].usage.completion_tokens, 0, "counts were asked for")
        silent = list(self.ask("Hello", stream=True))
        self.assertFalse([chunk for chunk in silent if not chunk.choices], "nobody asked for counts")

    def test_a_tool(self):
        tools = [{"type": "function", "function": {"name": "look_up", "parameters": SCHEMA}}]
        choice = self.ask("Hello", tools=tools).choices[0]
        self.assertEqual(choice.finish_reason, "tool_calls")
        [call] = choice.message.tool_calls
        self.assertEqual(call.function.name, "look_up")
        self.assertIn("city", json.loads(call.function.arguments))
        chunks = [chunk.choices[0].delta for chunk in self.ask("Hello", tools=tools, stream=True) if chunk.choices]
        arguments = "".join(delta.tool_calls[0].function.arguments or "" for delta in chunks if delta.tool_calls)
        self.assertIn("city", json.loads(arguments), "the pieces make one object")

    def test_a_conversation_with_instructions_and_what_a_tool_answered(self):
        call = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"city": "Malmö"}'}}
        messages = [
            {"role": "system", "content": "Be brief."},
            *says("Where?"),
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "In the south."},
        ]
        self.assertTrue(self.ask("", messages=messages).choices[0].message.content)

    def test_what_cannot_be_translated_is_the_librarys_own_exception(self):
        for options in ({"seed": 7}, {"n": 2}, {"temperature": 1.5}, {"extra_body": {"of_tomorrow": 1}}):
            with self.subTest(options=options), self.assertRaises(openai.BadRequestError) as raised:
                self.ask("Hello", **options)
            self.assertEqual(raised.exception.code, "not_translatable")


@governed
class MessagesAtAProviderOfChats(unittest.TestCase):
    def setUp(self):
        root = GATEWAY_URL.removesuffix("/v1")
        client = anthropic.Anthropic(base_url=root, api_key=api_key(), timeout=TIMEOUT_SECONDS, max_retries=0)
        self.addCleanup(client.close)
        self.messages = client.messages

    def ask(self, text, **options):
        return {"model": OF_CHATS, "max_tokens": 256, "messages": says(text), **options}

    def test_a_whole_answer(self):
        answer = self.messages.with_raw_response.create(**self.ask(TEXT, system="Be brief."))
        self.assertEqual(answer.headers[TRANSLATED_HEADER], "openai")
        message = answer.parse()
        self.assertEqual((message.type, message.role, message.stop_reason), ("message", "assistant", "end_turn"))
        self.assertIn(TEXT, message.content[0].text, "the echo says what it was told, with its values")
        self.assertGreater(message.usage.output_tokens, 0)

    def test_a_stream(self):
        with self.messages.stream(**self.ask(TEXT)) as stream:
            said = "".join(stream.text_stream)
            final = stream.get_final_message()
        self.assertIn(TEXT, said)
        self.assertEqual((final.content[0].text, final.stop_reason), (said, "end_turn"), "its end holds what it said")
        self.assertGreater(final.usage.output_tokens, 0, "the provider counted")

    def test_events_come_in_their_order(self):
        kinds = [event.type for event in self.messages.create(**self.ask("Hello"), stream=True)]
        self.assertEqual((kinds[0], kinds[1]), ("message_start", "content_block_start"))
        self.assertEqual(kinds[-3:], ["content_block_stop", "message_delta", "message_stop"])

    def test_a_tool(self):
        tools = [{"name": "look_up", "description": "Looks a city up", "input_schema": SCHEMA}]
        message = self.messages.create(**self.ask("Hello", tools=tools, tool_choice={"type": "any"}))
        self.assertEqual(message.stop_reason, "tool_use")
        [used] = [block for block in message.content if block.type == "tool_use"]
        self.assertEqual(used.name, "look_up")
        self.assertIn("city", used.input)

    def test_what_cannot_be_translated_is_the_librarys_own_exception(self):
        # Some versions of the library do not know every member by name.
        for options in ({"extra_body": {"top_k": 7}}, {"thinking": {"type": "enabled", "budget_tokens": 1024}}):
            with self.subTest(options=options), self.assertRaises(anthropic.BadRequestError) as raised:
                self.messages.create(**self.ask("Hello", **options))
            self.assertIn("not_translatable", str(raised.exception))

    def test_the_list_of_models_says_where_each_is_reached(self):
        models = openai.OpenAI(base_url=GATEWAY_URL, api_key=api_key(), timeout=TIMEOUT_SECONDS).models
        for model in (OF_CHATS, OF_MESSAGES):
            surfaces = models.retrieve(model).model_extra["surfaces"]
            self.assertLessEqual({"openai.chat_completions", "anthropic.messages"}, set(surfaces), model)
