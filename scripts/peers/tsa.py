#!/usr/bin/env python3
"""A time-stamp authority over HTTP around `openssl ts`, for tests: tsa.py DIR [SECTION]

DIR is what tsa.sh made. Prints its URL when it listens on a free port of this machine. DIR/mode, read for each request, makes it misbehave:
  rubbish   200, the right type, and bytes that are no time-stamp
  html      200 and a page
  stale     the answer to the first query that it ever got, whatever is asked
  busy      503
  stall     takes the query and never answers
"""
import http.server
import pathlib
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(sys.argv[1])
SECTION = sys.argv[2] if len(sys.argv) > 2 else "good"
REPLY = "application/timestamp-reply"
FIRST = []
ONE_AT_A_TIME = threading.Lock()  # openssl counts its stamps in one file


def stamp(query):
    with ONE_AT_A_TIME, tempfile.TemporaryDirectory() as scratch:
        asked, answer = pathlib.Path(scratch, "q"), pathlib.Path(scratch, "r")
        asked.write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", HERE / "tsa.cnf", "-section", SECTION, "-queryfile", asked, "-out", answer]
        subprocess.run(command, check=True, capture_output=True)
        return answer.read_bytes()


class Authority(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        query = self.rfile.read(int(self.headers["content-length"]))
        mode = (HERE / "mode").read_text().strip() if (HERE / "mode").exists() else ""
        if self.headers["content-type"] != "application/timestamp-query":
            return self.answer(415, "text/plain", b"not a query")
        if mode == "stall":
            threading.Event().wait()
        if mode == "busy":
            return self.answer(503, "text/plain", b"later")
        if mode == "html":
            return self.answer(200, "text/html", b"<h1>Welcome</h1>")
        if mode == "rubbish":
            return self.answer(200, REPLY, b"\x30\x03\x02\x01\x00rubbish")
        if not FIRST:
            FIRST.append(stamp(query))
            return self.answer(200, REPLY, FIRST[0])
        return self.answer(200, REPLY, FIRST[0] if mode == "stale" else stamp(query))

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Authority)
print(f"http://127.0.0.1:{server.server_port}/tsr", flush=True)
server.serve_forever()
