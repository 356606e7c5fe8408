"""Steps of responses.sh: responses.py PLACE

OpenAI's own library asks for responses and embeddings through the built program, at two servers that others wrote: llama.cpp's with a real model, and LiteLLM in
front of llm-katan, which says what it was told. A relay before each keeps what the gateway sent there. What the library reads has to be what the provider said, with
values in place of placeholders; what the provider counted has to be on record; and no value may have come to it.
"""

import base64
import json
import os
import re
import struct
import sys
from pathlib import Path

import openai
from acknowledged import Notary, ask, free_port
from relay import Relay

REAL, CHATS, MESSAGES = "smollm2-135m-instruct", "of-chats", "of-messages"
TIMEOUT_SECONDS = 120
# Test values: an address under example.org, and a card number that its scheme publishes for tests.
EMAIL, CARD = "ada.lindqvist@mail.example.org", "4111 1111 1111 1111"
TEXT = f"Write to {EMAIL} about the card {CARD}."
PLACEHOLDER = re.compile(r"<[A-Z_]+_[0-9A-Z]{6}>")
TOOL = {
    "type": "function",
    "name": "lookup_rate",
    "description": "The yearly rate of a loan",
    "parameters": {
        "type": "object",
        "properties": {"product": {"type": "string"}, "term_months": {"type": "integer"}},
        "required": ["product", "term_months"],
    },
}
# Of the real model: short, and the same each time.
SHORT = {"max_output_tokens": 24, "temperature": 0}
FLOAT_BYTES = 4


class House:
    """The program between the library and the relays."""

    def __init__(self, place):
        self.relays = {"real": Relay(os.environ["REAL_URL"]), "echo": Relay(os.environ["ECHO_URL"])}
        key = place / "echo.key"
        key.touch(mode=0o600)
        key.write_text(os.environ["LITELLM_KEY"])
        gateway = f"127.0.0.1:{free_port()}"
        text = f"""
[gateway]
listen = "{gateway}"
[upstream.real]
base_url = "{self.relays["real"].url}"
models = ["{REAL}"]
[upstream.echo]
base_url = "{self.relays["echo"].url}"
models = ["{CHATS}", "{MESSAGES}"]
key_file = "{key}"
"""
        self.notary = Notary(place / "notary", place, text)
        self.notary.start().person()
        api = self.notary.api
        system = api("systems", "POST", {"name": "Tests", "purposes": ["tests"]}).body["result"]["id"]
        api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
        api("policies/tests", "PUT", {"text": '@id("all")\npermit (principal, action, resource);\n', "note": "tests"})
        secret = api(f"systems/{system}/keys", "POST", {"name": "tests", "purposes": ["tests"]}).body["result"]["secret"]
        self.client = openai.OpenAI(base_url=f"http://{gateway}/v1", api_key=secret, timeout=TIMEOUT_SECONDS, max_retries=0)

    def asked(self, relay, make):
        """(what the library read, its record's fields, what came to the provider) of one call; `make` gives the library's raw answer and what was read of it."""
        self.relays[relay].forget()
        raw, read = make()
        return read, self.notary.end_of(raw.headers["tabellion-record"]), self.relays[relay].body()

    def whole(self, relay, **request):
        def make():
            raw = self.client.responses.with_raw_response.create(**request)
            return raw, raw.parse()

        return self.asked(relay, make)

    def streamed(self, relay, **request):
        """What was read are the stream's events, and its last has the whole response."""

        def make():
            raw = self.client.responses.with_raw_response.create(**request, stream=True)
            return raw, list(raw.parse())

        return self.asked(relay, make)

    def embedded(self, **request):
        def make():
            raw = self.client.embeddings.with_raw_response.create(model=REAL, **request)
            return raw, raw.parse()

        return self.asked("real", make)


def hidden(sent):
    """What the provider was sent has placeholders and no value."""
    text = json.dumps(sent)
    for value in (EMAIL, CARD):
        assert value not in text, f"personal data came to the provider: {text}"
    assert len(set(PLACEHOLDER.findall(text))) == 2, f"no placeholders for two values: {text}"


def counted(fields, usage):
    """The record has what the provider counted."""
    on_record = fields["answered"]["usage"]
    assert on_record["prompt_tokens"] == usage.input_tokens > 0, f"{on_record}, the provider said {usage}"
    assert on_record["completion_tokens"] == usage.output_tokens > 0, f"{on_record}, the provider said {usage}"
    assert (fields["outcome"], fields["delivered"]) == ("answered", "whole"), fields


def text_of(events):
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def last_of(events):
    assert events[-1].type == "response.completed", f"the stream ended with {events[-1]}"
    return events[-1].response


def a_real_model(house):
    """Whole and streamed it says the same at temperature 0."""
    request = {"model": REAL, "input": TEXT, "instructions": "You help loan officers.", **SHORT}
    answer, fields, sent = house.whole("real", **request)
    hidden(sent)
    counted(fields, answer.usage)
    assert len(answer.output_text.split()) > 3, f"a model that says nothing: {answer.output_text}"
    assert answer.usage.output_tokens <= SHORT["max_output_tokens"]
    assert sent["instructions"] == request["instructions"] and sent["temperature"] == 0, f"the request was changed: {sent}"
    events, fields, sent = house.streamed("real", **request)
    hidden(sent)
    counted(fields, last_of(events).usage)
    assert text_of(events) == last_of(events).output_text == answer.output_text, f"{text_of(events)!r} and {answer.output_text!r}"


def values_come_back(house):
    for model in (CHATS, MESSAGES):
        answer, fields, sent = house.whole("echo", model=model, input=TEXT)
        hidden(sent)
        counted(fields, answer.usage)
        assert answer.output_text.endswith(f"User: {TEXT}"), f"{model}: placeholders were left: {answer.output_text}"
        for shift in range(4):  # the echo sends four characters at a time
            text = "." * shift + TEXT
            events, fields, sent = house.streamed("echo", model=model, input=text)
            hidden(sent)
            assert text_of(events).endswith(f"User: {text}"), f"{model}, shifted by {shift}: {text_of(events)}"
            assert last_of(events).output_text == text_of(events), "the end of a stream holds something else than its pieces"
            counted(fields, last_of(events).usage)


def call_of(response):
    [call] = [item for item in response.output if item.type == "function_call"]
    assert call.name == TOOL["name"], call
    return call


def tools(house):
    for model in (CHATS, MESSAGES):
        answer, _, sent = house.whole("echo", model=model, input="The rate?", tools=[TOOL])
        assert sent["tools"] == [TOOL], f"the model would see another tool: {sent['tools']}"
        call = call_of(answer)
        assert json.loads(call.arguments).keys() == {"product", "term_months"}, call
    # llm-katan answers a chat with tools in one piece even where a stream was asked for, so the other interface alone streams them.
    events, _, _ = house.streamed("echo", model=MESSAGES, input="The rate?", tools=[TOOL])
    pieces = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    done = [event.arguments for event in events if event.type == "response.function_call_arguments.done"]
    assert len(pieces) > 1 and ["".join(pieces)] == done, f"a tool would run with other arguments: {pieces} and {done}"
    assert done == [call.arguments], f"{done}, whole it was {call.arguments}"


def what_a_tool_answered(house):
    """A conversation goes on with it, and it is masked as well."""
    call = {"type": "function_call", "call_id": "call_1", "name": TOOL["name"], "arguments": json.dumps({"product": CARD, "term_months": 48})}
    result = {"type": "function_call_output", "call_id": "call_1", "output": json.dumps({"write_to": EMAIL})}
    said = [{"role": "user", "content": [{"type": "input_text", "text": f"The card {CARD}?"}]}, call, result]
    answer, _, sent = house.whole("echo", model=CHATS, input=[*said, {"role": "user", "content": TEXT}], tools=[TOOL], tool_choice="none")
    hidden(sent)
    assert answer.status == "completed", answer
    assert [item.get("type") for item in sent["input"]] == [item.get("type") for item in said] + [None], sent["input"]


def vectors(text):
    """The numbers of a vector in base64, as its bytes are."""
    data = base64.b64decode(text, validate=True)
    return struct.unpack(f"<{len(data) // FLOAT_BYTES}f", data)


def single(numbers):
    """The same numbers in the precision that base64 has."""
    return struct.unpack(f"<{len(numbers)}f", struct.pack(f"<{len(numbers)}f", *numbers))


def embeddings(house):
    texts = [TEXT, "What grows in pots?"]
    floats, fields, sent = house.embedded(input=texts, encoding_format="float")
    hidden(sent)
    usage = fields["answered"]["usage"]
    assert usage["prompt_tokens"] == floats.usage.prompt_tokens > 0, f"{usage}, the provider said {floats.usage}"
    assert [item.index for item in floats.data] == [0, 1]
    assert floats.data[0].embedding != floats.data[1].embedding and len(floats.data[0].embedding) > 100
    coded, _, sent = house.embedded(input=texts, encoding_format="base64")
    hidden(sent)
    plain, _, sent = house.embedded(input=texts)  # the library asks for base64 by itself, and decodes it
    assert sent["encoding_format"] == "base64", f"the library has changed: {sent}"
    # As the provider says it when the gateway is not there, of what came to it.
    direct = ask(f"{os.environ['REAL_URL']}/embeddings", "POST", {**sent, "encoding_format": "float"}).body["data"]
    for one, other, third, said in zip(floats.data, coded.data, plain.data, direct, strict=True):
        assert one.embedding == said["embedding"], "a vector was changed on its way"
        assert vectors(other.embedding) == single(one.embedding) == tuple(third.embedding), "base64 and floats are two vectors"


def main(place):
    house = House(place)
    steps = (a_real_model, values_come_back, tools, what_a_tool_answered, embeddings)
    for step in steps:
        step(house)
        print(f"{step.__name__.replace('_', ' ')}: as it should be")
    house.notary.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
