"""A chat as applications have it: whole, streamed, asynchronous."""

import asyncio
import json
import unittest

from replay import PATIENCE_SECONDS, Replay, wire
from settings import ECHO, GATEWAY_URL, PROVIDER_URLS, RECORD_HEADER, REPLAY, api_key, async_client, client, says, scene

TEXT = json.loads(wire("chat.json"))["choices"][0]["message"]["content"]
# What a body must survive: escapes written and not, four-byte characters, quotes, what looks like placeholders and markup.
ODD_TEXT = 'Übergröße \\u00fc "quoted" \\n <b>&amp;</b> [EMAIL_1] {{x}} 📉 \u202e end'


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


class Chat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.replay = cls.enterClassContext(Replay(PROVIDER_URLS[REPLAY]))

    def test_an_answer(self):
        chat, attempts = client(ECHO)
        answer = chat.chat.completions.create(model=ECHO, messages=says(ODD_TEXT), max_tokens=20)
        self.assertTrue(answer.choices[0].message.content.endswith(f"User: {ODD_TEXT}"), "the provider read another text")
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertGreater(answer.usage.total_tokens, 0, "nobody could say what the call cost")
        self.assertEqual(len(attempts), 1)

    def test_a_stream(self):
        chat, _ = client(ECHO)
        chunks = list(chat.chat.completions.create(model=ECHO, messages=says(ODD_TEXT), stream=True))
        self.assertTrue(text_of(chunks).endswith(f"User: {ODD_TEXT}"), "the stream lost or changed text")
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")

    def test_a_recorded_answer_arrives_byte_for_byte(self):
        chat, _ = client(REPLAY)
        messages, number = scene("chat")
        raw = chat.chat.completions.with_raw_response.create(model=REPLAY, messages=messages, temperature=0.30)
        self.assertEqual(raw.http_response.content, wire("chat.json"), "an answer was written anew on its way")
        if GATEWAY_URL:
            self.assertTrue(raw.headers[RECORD_HEADER], "nobody could prove the call")
            key = self.replay.received[number].headers[0]["authorization"]
            self.assertNotIn(api_key(), key, "the provider learns the key that opens the gateway")
        sent = json.loads(self.replay.received[number].bodies[0])
        self.assertEqual(sent, {"model": REPLAY, "messages": messages, "temperature": 0.30}, "the request was changed")

    def test_a_recorded_stream_says_what_it_said(self):
        for name in ("chat", "odd"):
            with self.subTest(name):
                chat, _ = client(REPLAY)
                stream = chat.chat.completions.create(model=REPLAY, messages=scene(name)[0], stream=True)
                self.assertEqual(text_of(stream), TEXT, "text was lost, doubled or moved")

    def test_usage_of_a_stream_comes_when_it_is_asked_for_and_not_otherwise(self):
        chat, _ = client(REPLAY)
        for asked in (True, False):
            options = {"stream_options": {"include_usage": True}} if asked else {}
            stream = chat.chat.completions.create(model=REPLAY, messages=scene("chat")[0], stream=True, **options)
            chunks = list(stream)
            usage = [chunk.usage.total_tokens for chunk in chunks if chunk.usage]
            self.assertEqual(usage, [43] if asked else [], "a client got usage without asking, or asked for nothing")
            self.assertEqual(any(not chunk.choices for chunk in chunks), asked, "a chunk that the client did not ask for")
            self.assertEqual(text_of(chunks), TEXT)

    def test_a_client_that_leaves_in_mid_stream_ends_the_providers_work(self):
        chat, _ = client(REPLAY)
        messages, number = scene("never-ending")
        with chat.chat.completions.create(model=REPLAY, messages=messages, stream=True) as stream:
            self.assertEqual(next(iter(stream)).choices[0].delta.content, "An ")
        chat.close()
        self.assertTrue(
            self.replay.received[number].hung_up.wait(PATIENCE_SECONDS), "the provider goes on working for nobody, and bills it"
        )

    def test_asynchronous_many_at_once(self):
        async def main():
            async with async_client(ECHO) as chat:
                one = [chat.chat.completions.create(model=ECHO, messages=says(f"number {n}")) for n in range(10)]

                async def streamed(n):
                    stream = await chat.chat.completions.create(model=ECHO, messages=says(f"stream {n}"), stream=True)
                    return text_of([chunk async for chunk in stream])

                return await asyncio.gather(*one), await asyncio.gather(*(streamed(n) for n in range(10)))

        answers, streams = asyncio.run(main())
        for n, (answer, stream) in enumerate(zip(answers, streams, strict=True)):
            self.assertTrue(answer.choices[0].message.content.endswith(f"User: number {n}"), "one caller got another's answer")
            self.assertTrue(stream.endswith(f"User: stream {n}"), "one caller got another's stream")

    def test_models(self):
        chat, _ = client(ECHO)
        models = [model.id for model in chat.models.list()]
        self.assertIn(ECHO, models)
        if GATEWAY_URL:
            self.assertIn(REPLAY, models, "a model that is configured cannot be found")
