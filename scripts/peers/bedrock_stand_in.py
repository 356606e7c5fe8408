"""A place that is asked as Bedrock is, and lets in as AWS does: botocore computes the signature of what arrived, with the keys that are good just now.

What it answers to is written by hand; that a signature is right is said by AWS's own code and by nothing of ours.
"""

import binascii
import json
import re
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "eu-central-1"
LINE = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})")
ALWAYS_SIGNED = {"host", "x-amz-date", "content-type"}
TEXT = "Basil and thyme."
USAGE = {"inputTokens": 11, "outputTokens": 4, "totalTokens": 15}
CHAT = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15},
}


def frame(kind, payload):
    """One message of a binary stream of events."""
    headers = b""
    for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event")):
        headers += struct.pack("!B", len(name)) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
    body = json.dumps(payload).encode()
    start = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = start + struct.pack("!I", binascii.crc32(start)) + headers + body
    return message + struct.pack("!I", binascii.crc32(message))


STREAM = (
    frame("messageStart", {"role": "assistant"})
    + frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": TEXT}})
    + frame("contentBlockStop", {"contentBlockIndex": 0})
    + frame("messageStop", {"stopReason": "end_turn"})
    + frame("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}})
)


class Bedrock(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def fault(self, body):
        """What is wrong with the signature of what arrived; none: nothing."""
        line = LINE.fullmatch(self.headers.get("authorization", ""))
        if not line:
            return "no signature of version 4"
        key, day, region, service, names, signature = line.groups()
        if (region, service) != (REGION, "bedrock"):
            return f"a scope of {region} and {service}"
        if key not in self.server.keys:
            return f"the key {key} is not good"
        secret, token = self.server.keys[key]
        names = names.split(";")
        if missing := (ALWAYS_SIGNED | ({"x-amz-security-token"} if token else set())) - set(names):
            return f"{missing} is not signed"
        if self.headers.get("x-amz-security-token") != token:
            return "another token than the key's"
        if not self.headers["x-amz-date"].startswith(day):
            return "a scope of another day"
        request = AWSRequest(
            method=self.command,
            url=f"http://{self.headers['host']}{self.path}",
            headers={name: self.headers[name] for name in names},
            data=body,
        )
        request.context["timestamp"] = self.headers["x-amz-date"]
        own = SigV4Auth(Credentials(key, secret, token), service, region)
        due = own.signature(own.string_to_sign(request, own.canonical_request(request)), request)
        return None if due == signature else f"{signature} and not {due}:\n{own.canonical_request(request)}"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        fault = self.fault(body)
        self.server.asked.append((self.path, dict(self.headers), body, fault))
        if fault:
            self.answer(403, "application/json", json.dumps({"message": "The request signature we calculated does not match"}).encode())
        elif self.path.endswith("/converse-stream"):
            self.answer(200, "application/vnd.amazon.eventstream", STREAM)
        elif self.path.endswith("/converse"):
            message = {"role": "assistant", "content": [{"text": TEXT}]}
            told = {"output": {"message": message}, "stopReason": "end_turn", "usage": USAGE, "metrics": {"latencyMs": 1}}
            self.answer(200, "application/json", json.dumps(told).encode())
        else:
            self.answer(200, "application/json", json.dumps(CHAT).encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def start(keys):
    """Listens on a free port of loopback; `keys`: id → secret and token (or none), as it is just now."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bedrock)
    server.keys, server.asked = keys, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
