"""A provider that replays the recorded bytes of crates/testkit/wire/openai, and keeps what it received.

The last message of a request, `scene NAME ID`, chooses what happens (SCENES); ID finds the request afterwards. A real socket and
HTTP/1.1, so that a gateway can stand in between. Used for what no real provider does when asked to.
"""

import contextlib
import json
import socket
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import claude

WIRE = Path(__file__).resolve().parents[3] / "crates/testkit/wire/openai"
PATIENCE_SECONDS = 30  # for what a test waits for; a healthy run needs milliseconds
RETRY_SOON = claude.RETRY_SOON


def wire(name):
    return (WIRE / name).read_bytes()


class Received:
    """What one scene received: its requests' headers and bodies, and whether the other side hung up."""

    def __init__(self):
        self.headers, self.bodies = [], []
        self.hung_up = threading.Event()


class Replay(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, url):
        super().__init__(("127.0.0.1", urlsplit(url).port), Handler)
        self.received = defaultdict(Received)
        self.connections = []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
        # Else a gateway that keeps connections goes on talking to this provider when the next has its port.
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def get_request(self):
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def handle_error(self, request, client_address):
        """Broken connections are part of the play."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Quiet: the tests speak."""

    def do_GET(self):
        self.whole(200, wire("models.json"))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        request = json.loads(body)
        _, name, number = request["messages"][-1]["content"].split()
        received = self.server.received[number]
        received.headers.append({name.lower(): value for name, value in self.headers.items()})
        received.bodies.append(body)
        SCENES[name](self, request, received)

    def whole(self, status, body, headers=None):
        self.send_response(status)
        self.head({"content-type": "application/json", "content-length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def head(self, headers):
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def stream(self, body, ended=True):
        """Event by event, each a chunk; without its end, the connection breaks off."""
        self.send_response(200)
        self.head({"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        for event in body.split(b"\n\n")[:-1] if b"\r\n" not in body else [body]:
            self.chunk(event + (b"\n\n" if event is not body else b""))
        if ended:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


def chat(handler, request, received):
    """Text: whole, as a stream, or as a stream with usage when that is asked for."""
    if not request.get("stream"):
        return handler.whole(200, wire("chat.json"))
    usage = (request.get("stream_options") or {}).get("include_usage")
    return handler.stream(wire("stream-usage.sse" if usage else "stream.sse"))


def tools(handler, request, received):
    return handler.stream(wire("stream-tools.sse")) if request.get("stream") else handler.whole(200, wire("chat-tools.json"))


def busy(times):
    """503 so many times, then an answer."""

    def play(handler, request, received):
        if len(received.bodies) <= times:
            return handler.whole(503, wire("error-503.json"), RETRY_SOON)
        return chat(handler, request, received)

    return play


def never_ending(handler, request, received):
    """Content for ever, until the other side hangs up."""
    event = wire("stream.sse").split(b"\n\n")[1] + b"\n\n"
    handler.send_response(200)
    handler.head({"content-type": "text/event-stream", "transfer-encoding": "chunked"})
    try:
        while True:
            handler.chunk(event)
    except OSError:
        received.hung_up.set()
        handler.close_connection = True


SCENES = {
    **claude.SCENES,
    "chat": chat,
    "tools": tools,
    "busy-twice": busy(2),
    "busy": busy(10**9),
    "never-ending": never_ending,
    "odd": lambda handler, *_: handler.stream(wire("stream-odd.sse")),
    "error-in-stream": lambda handler, *_: handler.stream(wire("stream-error.sse")),
    "dies": lambda handler, *_: handler.stream(b"\n\n".join(wire("stream.sse").split(b"\n\n")[:5]) + b"\n\n", ended=False),
    "rubbish": lambda handler, *_: handler.whole(200, b"<html>maintenance</html>"),
    "limited": lambda handler, *_: handler.whole(429, wire("error-429.json"), RETRY_SOON),
    "refused": lambda handler, *_: handler.whole(400, wire("error-400.json")),
}
