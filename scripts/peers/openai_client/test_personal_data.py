"""Personal data: the provider never sees it, the application gets it back, however the stream was cut."""

import unittest

from replay import Replay
from settings import ECHO, PROVIDER_URLS, REPLAY, client, governed, says, scene

# Test numbers: an address under example.org, a card number and an IBAN that their schemes publish for tests.
VALUES = ["ada.lindqvist@mail.example.org", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"]
# Digits that are none of these: their checksums do not hold.
OTHERS = ["4111 1111 1111 1112", "DE88 3704 0044 0532 0130 00"]
TEXT = f"Write to {VALUES[0]}, card {VALUES[1]}, account {VALUES[2]}; order {OTHERS[0]}, reference {OTHERS[1]}."


@governed
class PersonalData(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.replay = cls.enterClassContext(Replay(PROVIDER_URLS[REPLAY]))

    def test_the_provider_never_sees_it(self):
        messages, number = scene("chat")
        client(REPLAY)[0].chat.completions.create(model=REPLAY, messages=[*says(TEXT), *messages])
        body = self.replay.received[number].bodies[0].decode()
        for value in VALUES:
            self.assertNotIn(value, body, "personal data has left the house")
        for other in OTHERS:
            self.assertIn(other, body, "a number that is no card or account was taken for one")

    def test_the_application_gets_it_back(self):
        answer = client(ECHO)[0].chat.completions.create(model=ECHO, messages=says(TEXT))
        self.assertTrue(answer.choices[0].message.content.endswith(f"User: {TEXT}"), "placeholders were left in the answer")

    def test_the_application_gets_it_back_from_a_stream_cut_anywhere(self):
        for shift in range(4):  # the echo sends four characters at a time
            text = "." * shift + TEXT
            chunks = client(ECHO)[0].chat.completions.create(model=ECHO, messages=says(text), stream=True)
            said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            self.assertTrue(said.endswith(f"User: {text}"), f"shifted by {shift}: placeholders were left in the stream: {said}")

    def test_the_same_value_has_the_same_placeholder_in_every_turn(self):
        bodies = []
        for _ in range(2):
            messages, number = scene("chat")
            client(REPLAY)[0].chat.completions.create(model=REPLAY, messages=[*says(TEXT), *messages])
            bodies.append(self.replay.received[number].bodies[0].decode().replace(number, ""))
        self.assertEqual(bodies[0], bodies[1], "a provider's cache of the prompt would never be hit")
