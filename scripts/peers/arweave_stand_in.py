#!/usr/bin/env python3
"""A stand-in for an upload service and a gateway of Arweave, for tests: arweave_stand_in.py DIR

POST /tx/solana takes a data item, keeps it in DIR/<id>, and answers as Turbo does; GET /raw/<id> serves its data once DIR/published exists. It looks at no
signature, as gateways do not; whether others accept our items is for scripts/peers/arweave.sh. DIR/mode: rubbish (200, no JSON), other (200, another id),
tampered (the gateway serves other bytes). Prints its URL when it listens.
"""
import base64
import hashlib
import http.server
import json
import pathlib
import sys

HERE = pathlib.Path(sys.argv[1])


def data_of(item):
    place = 2 + 64 + 32
    for _ in ("target", "anchor"):
        place += 1 + 32 * item[place]
    length = int.from_bytes(item[place + 8 : place + 16], "little")
    return item[place + 16 + length :]


class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        item = self.rfile.read(int(self.headers["content-length"]))
        name = base64.urlsafe_b64encode(hashlib.sha256(item[2:66]).digest()).decode().rstrip("=")
        mode = self.mode()
        if mode == "rubbish":
            return self.answer(200, b"<h1>Welcome</h1>")
        (HERE / name).write_bytes(item)
        name = "A" * 43 if mode == "other" else name
        self.answer(200, json.dumps({"id": name, "owner": "x", "winc": "0", "dataCaches": ["here"], "fastFinalityIndexes": ["here"]}).encode())

    def do_GET(self):
        item = HERE / self.path.removeprefix("/raw/")
        if not (HERE / "published").exists() or not item.exists():
            return self.answer(404, b"Not Found")
        self.answer(200, b"x" * 32 if self.mode() == "tampered" else data_of(item.read_bytes()))

    def mode(self):
        return (HERE / "mode").read_text().strip() if (HERE / "mode").exists() else ""

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
