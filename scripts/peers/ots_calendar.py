#!/usr/bin/env python3
"""A stand-in for an OpenTimestamps calendar, for tests: ots_calendar.py DIR [HEIGHT]

Speaks the two endpoints that clients use: POST /digest takes a commitment and promises, GET /timestamp/<hex> answers 404 until DIR/block exists and from then
on with a proof that leads to a made-up Bitcoin block of that height (900,000), another for each promise, and writes the header of the first one's to DIR/header (hex). There is no Bitcoin here: what this shows is that our client
and our proofs fit the protocol, not that any block confirms them. DIR/mode = rubbish answers 200 with something else. Prints its URL when it listens.
"""
import hashlib
import http.server
import pathlib
import sys

HERE = pathlib.Path(sys.argv[1])
HEIGHT = int(sys.argv[2]) if len(sys.argv) > 2 else 900_000
TIME = 1_800_000_000
SHA256, APPEND, PREPEND = b"\x08", b"\xf0", b"\xf1"
PENDING = bytes.fromhex("83dfe30d2ef90c8e")
BITCOIN = bytes.fromhex("0588960d73d71901")
PROMISED = []  # in order; each has a block of its own


def number(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def varbytes(content):
    return number(len(content)) + content


def attestation(tag, content):
    return b"\x00" + tag + varbytes(content)


class Calendar(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        digest = self.rfile.read(int(self.headers["content-length"]))
        if self.mode() == "rubbish":
            return self.answer(200, b"rubbish")
        if self.path != "/digest" or not 1 <= len(digest) <= 64:
            return self.answer(400, b"no")
        salt = HERE.name.encode()  # each calendar puts something of its own before it
        message = hashlib.sha256(salt + digest).digest()
        if message not in PROMISED:
            PROMISED.append(message)
        url = f"http://127.0.0.1:{self.server.server_port}".encode()
        self.answer(200, PREPEND + varbytes(salt) + SHA256 + attestation(PENDING, varbytes(url)))

    def do_GET(self):
        message = bytes.fromhex(self.path.removeprefix("/timestamp/"))
        if message not in PROMISED or not (HERE / "block").exists():
            return self.answer(404, b"Pending confirmation in Bitcoin blockchain")
        if self.mode() == "rubbish":
            return self.answer(200, b"rubbish")
        sibling = hashlib.sha256(b"sibling").digest()
        root = hashlib.sha256(hashlib.sha256(message + sibling).digest()).digest()
        place = PROMISED.index(message)
        if place == 0:
            (HERE / "header").write_text((bytes(36) + root + TIME.to_bytes(4, "little") + bytes(8)).hex())
        self.answer(200, APPEND + varbytes(sibling) + SHA256 + SHA256 + attestation(BITCOIN, number(HEIGHT + place)))

    def mode(self):
        return (HERE / "mode").read_text().strip() if (HERE / "mode").exists() else ""

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/octet-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Calendar)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
