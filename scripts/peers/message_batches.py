"""Steps of message_batches.sh: message_batches.py PLACE

The SDK goes where the provider says that a batch's results are. Here that is a host that nobody has, so results come only if the gateway says otherwise; the provider gets
placeholders and its own key, another system gets nothing, and what the results say is what is charged.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anthropic
from acknowledged import Notary, free_port, wait_for
from passthrough import opened

KEY = "sk-provider-of-batches-4711"
MODEL = "claude-of-the-test"
ELSEWHERE = "https://results.invalid/v1/messages/batches/msgbatch_01/results"
EMAIL = "ada.lindqvist@mail.example.org"
USAGE = {"input_tokens": 11, "output_tokens": 7}
FILE = {"id": "file_011", "type": "file", "filename": "notes.txt", "mime_type": "text/plain", "size_bytes": 5, "created_at": "2026-01-01T00:00:00Z"}


def batch(status, succeeded=0, errored=0):
    counts = {"processing": 2 - succeeded - errored, "succeeded": succeeded, "errored": errored, "canceled": 0, "expired": 0}
    times = {"created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z"}
    url = ELSEWHERE if status == "ended" else None
    return {"id": "msgbatch_01", "type": "message_batch", "processing_status": status, "request_counts": counts, "results_url": url, **times}


def results(requests):
    """The second of the requests fails; the first is told its own text."""
    [text] = [message["content"] for message in requests[0]["params"]["messages"]]
    said = {"id": "msg_01", "type": "message", "role": "assistant", "model": MODEL, "content": [{"type": "text", "text": text}]}
    message = {**said, "stop_reason": "end_turn", "stop_sequence": None, "usage": USAGE}
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: too large"}}
    lines = [{"type": "succeeded", "message": message}, {"type": "errored", "error": error}]
    return "\n".join(json.dumps({"custom_id": one["custom_id"], "result": line}) for one, line in zip(requests, lines, strict=True))


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    seen, requests = [], []

    def log_message(self, *_):
        """Quiet: the steps speak."""

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen.append((self.command, self.path, headers, body))
        match (self.command, self.path.removeprefix("/v1")):
            case ("POST", "/messages/batches"):
                self.requests[:] = json.loads(body)["requests"]
                return self.say(batch("in_progress"))
            case ("GET", "/messages/batches/msgbatch_01"):
                return self.say(batch("ended", succeeded=1, errored=1))
            case ("GET", "/messages/batches/msgbatch_01/results"):
                return self.send(results(self.requests).encode(), "application/x-jsonl")
            case ("POST", "/messages/batches/msgbatch_01/cancel"):
                return self.say(batch("canceling"))
            case ("DELETE", "/messages/batches/msgbatch_01"):
                return self.say({"id": "msgbatch_01", "type": "message_batch_deleted"})
            case ("POST", "/files") | ("GET", "/files/file_011"):
                return self.say(FILE)
            case ("GET", "/files/file_011/content"):
                return self.send(b"notes", "text/plain")
            case ("DELETE", "/files/file_011"):
                return self.say({"id": "file_011", "type": "file_deleted"})
        raise AssertionError(f"nobody asks for {self.command} {self.path}")

    do_GET = do_POST = do_DELETE = handle_one

    def say(self, body):
        self.send(json.dumps(body).encode(), "application/json")

    def send(self, body, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def refused(code, what):
    try:
        what()
    except anthropic.PermissionDeniedError as error:
        assert error.body["error"]["message"].startswith(f"{code}: "), error.body
        return
    raise AssertionError(f"it is not refused with {code}")


def system_of(notary, name):
    """(a system that may ask everything, the secret of its key)"""
    system = notary.api("systems", "POST", {"name": name, "purposes": ["tests"]}).body["result"]["id"]
    notary.api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
    return system, notary.api(f"systems/{system}/keys", "POST", {"name": "tests", "purposes": ["tests"]}).body["result"]["secret"]


def batches(client, stranger, notary):
    def params(text):
        return {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": text}]}

    asked = [{"custom_id": "r-1", "params": params(f"Write to {EMAIL}.")}, {"custom_id": "r-2", "params": params("Hello")}]
    begun = client.messages.batches.create(requests=asked)
    assert (begun.id, begun.processing_status) == ("msgbatch_01", "in_progress"), begun
    _, _, headers, body = Provider.seen[-1]
    assert headers["x-api-key"] == KEY and EMAIL not in body.decode(), "an address, or the client's own key, left"
    assert json.loads(body)["requests"][1] == asked[1], "what names nobody was changed"
    streamed = [{"custom_id": "r-1", "params": {**params("Hello"), "stream": True}}]
    try:
        client.messages.batches.create(requests=streamed)
        raise AssertionError("a stream goes into a batch")
    except anthropic.BadRequestError as error:
        assert "request 1 of the batch" in str(error), error

    lines = {line.custom_id: line.result for line in client.messages.batches.results(begun.id)}
    assert lines["r-1"].message.content[0].text.startswith("Write to "), lines
    assert lines["r-1"].message.usage.output_tokens == USAGE["output_tokens"]
    assert lines["r-2"].type == "errored", lines
    told = wait_for("what the batch took", lambda: notary.api("entries?type=batch.settled").body["entries"])
    fields = notary.api(f"entries/{told[0]['index']}").body["units"][0]["fields"]
    assert (fields["batch"], fields["requests"], fields["uncounted"]) == (begun.id, 2, 0), fields

    assert client.messages.batches.cancel(begun.id).processing_status == "canceling"
    refused("object_not_own", client.messages.batches.list)
    before = len(Provider.seen)
    for what in (stranger.messages.batches.retrieve, stranger.messages.batches.results, stranger.messages.batches.delete):
        refused("object_not_own", lambda what=what: what(begun.id))
    assert len(Provider.seen) == before, "another system's batch was asked for"
    assert client.messages.batches.delete(begun.id).type == "message_batch_deleted"


def files(client, stranger):
    sent = client.beta.files.upload(file=("notes.txt", b"notes", "text/plain"))
    assert sent.id == "file_011", sent
    assert client.beta.files.retrieve_metadata(sent.id).filename == "notes.txt"
    assert client.beta.files.download(sent.id).read() == b"notes"
    refused("object_not_own", lambda: stranger.beta.files.download(sent.id))
    refused("object_not_own", client.beta.files.list)
    assert client.beta.files.delete(sent.id).id == sent.id


def main(place):
    provider = ThreadingHTTPServer(("127.0.0.1", free_port()), Provider)
    provider.daemon_threads = True
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    key = place / "provider.key"
    key.touch(mode=0o600)
    key.write_text(KEY)
    gateway = f"127.0.0.1:{free_port()}"
    upstream = f'[upstream.claude]\napi = "anthropic"\nbase_url = "http://127.0.0.1:{provider.server_port}/v1"\nmodels = ["{MODEL}"]\nkey_file = "{key}"\n'
    notary = Notary(place / "notary", place, f'[gateway]\nlisten = "{gateway}"\n{upstream}')
    notary.start().person()
    system, secret = system_of(notary, "Tests")
    other, others = system_of(notary, "Other tests")
    notary.api("policies/tests", "PUT", {"text": '@id("all")\npermit (principal, action, resource);\n', "note": "tests"})
    client, stranger = (
        anthropic.Anthropic(api_key=secret, base_url=f"http://{gateway}", max_retries=0) for secret in (secret, others)
    )
    refused("opaque_not_enabled", lambda: client.messages.batches.retrieve("msgbatch_01"))
    for routes in ("batches", "files"):
        opened(notary, system, routes)
        opened(notary, other, routes)
    batches(client, stranger, notary)
    files(client, stranger)
    assert all(headers["x-api-key"] == KEY for _, _, headers, _ in Provider.seen), "a key of the gateway's left"
    notary.stop()
    print("batches of messages and files: open to whom two people opened them, masked, settled by their results, each system's own")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
