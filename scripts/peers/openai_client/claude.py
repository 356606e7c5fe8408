"""What the provider that replays says in Anthropic's interface, made after its public description; scenes as replay.py has them."""

import json

RETRY_SOON = {"retry-after-ms": "1"}  # so that the library's waiting takes no time
OVERLOADED = 529
COUNTED = 14
# Cut inside a word and inside an escape; spacing that a rewritten body would not keep.
PIECES = ['{"product": "instal', 'ment loan", "term_months":48, "note": "\\u00', 'fc \\"quoted\\""}']
TOOL_INPUT = json.loads("".join(PIECES))
TEXT = ["An instalment loan ", "is repaid in equal ", "monthly amounts."]
USED = {"type": "tool_use", "id": "toolu_wire0001", "name": "lookup_rate"}
USAGE = {"input_tokens": 11, "output_tokens": 7}


def message(blocks, reason="end_turn"):
    answer = {"id": "msg_wire0001", "type": "message", "role": "assistant", "model": "wire-claude", "content": blocks}
    return json.dumps({**answer, "stop_reason": reason, "stop_sequence": None, "usage": USAGE}).encode()


def error(kind, text):
    return json.dumps({"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_wire0001"}).encode()


def event(name, **members):
    return f"event: {name}\ndata: {json.dumps({'type': name, **members})}\n\n".encode()


def opened():
    begun = {"id": "msg_wire0001", "type": "message", "role": "assistant", "model": "wire-claude", "content": []}
    return event("message_start", message={**begun, "stop_reason": None, "stop_sequence": None, "usage": {**USAGE, "output_tokens": 1}})


def block(start, deltas):
    pieces = [event("content_block_delta", index=0, delta=delta) for delta in deltas]
    return event("content_block_start", index=0, content_block=start) + b"".join(pieces)


def closed(reason):
    ends = event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage={"output_tokens": USAGE["output_tokens"]})
    return event("content_block_stop", index=0) + ends + event("message_stop")


def said(pieces):
    return block({"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces])


def answered(handler, request, received):
    if request.get("stream"):
        return handler.stream(opened() + said(TEXT) + closed("end_turn"))
    return handler.whole(200, message([{"type": "text", "text": "".join(TEXT)}]))


def tools(handler, request, received):
    if request.get("stream"):
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in PIECES]
        return handler.stream(opened() + block({**USED, "input": {}}, deltas) + closed("tool_use"))
    return handler.whole(200, message([{**USED, "input": TOOL_INPUT}], "tool_use"))


def busy_twice(handler, request, received):
    if len(received.bodies) <= 2:
        return handler.whole(OVERLOADED, error("overloaded_error", "Overloaded"), RETRY_SOON)
    return answered(handler, request, received)


def refusing(status, kind, text):
    return lambda handler, *_: handler.whole(status, error(kind, text), RETRY_SOON)


SCENES = {
    "claude": answered,
    "claude-tools": tools,
    "claude-busy-twice": busy_twice,
    "claude-overloaded": refusing(OVERLOADED, "overloaded_error", "Overloaded"),
    "claude-broken": refusing(500, "api_error", "Internal server error"),
    "claude-limited": refusing(429, "rate_limit_error", "Too many tokens in a minute"),
    "claude-refused": refusing(400, "invalid_request_error", "max_tokens: too large"),
    "claude-error-in-stream": lambda handler, *_: handler.stream(
        opened() + said(TEXT[:1]) + event("error", error={"type": "overloaded_error", "message": "stopped while it was answering"})
    ),
    "claude-dies": lambda handler, *_: handler.stream(opened() + said(TEXT), ended=False),
    "claude-count": lambda handler, *_: handler.whole(200, json.dumps({"input_tokens": COUNTED}).encode()),
}
