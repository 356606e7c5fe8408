"""One story on a real model: an officer asks, whole and streamed, and reads an answer that nobody scripted."""

import unittest

from settings import REAL, client, needs_real_model

ASKED = [
    {"role": "system", "content": "You help loan officers. Answer in one short sentence."},
    {"role": "user", "content": "What is an instalment loan?"},
]
OPTIONS = {"model": REAL, "messages": ASKED, "max_tokens": 24, "temperature": 0, "seed": 1}


@needs_real_model
class RealModel(unittest.TestCase):
    def test_an_officer_asks(self):
        chat, attempts = client(REAL)
        answer = chat.chat.completions.create(**OPTIONS)
        text = answer.choices[0].message.content
        self.assertGreater(len(text.split()), 3, "a model that says nothing")
        self.assertLessEqual(answer.usage.completion_tokens, 24)
        chunks = list(chat.chat.completions.create(**OPTIONS, stream=True, stream_options={"include_usage": True}))
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertEqual(streamed, text, "streamed and whole, at temperature 0, the model says the same")
        self.assertEqual(chunks[-1].usage.completion_tokens, answer.usage.completion_tokens)
        self.assertEqual(len(attempts), 2)
