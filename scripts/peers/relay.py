"""Stands between the gateway and a provider and passes every byte on, both ways; keeps what came from the gateway."""

import contextlib
import json
import socket
import threading
from urllib.parse import urlsplit

PIECE_BYTES = 64 << 10


class Relay:
    def __init__(self, url):
        self.target = urlsplit(url)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}{self.target.path}"
        self.lock, self.connections = threading.Lock(), []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection((self.target.hostname, self.target.port))
            seen = bytearray()
            with self.lock:
                self.connections.append(seen)
            threading.Thread(target=self.pass_on, args=(near, far, seen), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(far, near, bytearray()), daemon=True).start()

    def pass_on(self, source, target, seen):
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                with self.lock:
                    seen += piece
                target.sendall(piece)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def forget(self):
        with self.lock:
            for seen in self.connections:
                seen.clear()

    def bytes(self):
        """All that came from the gateway since `forget`."""
        with self.lock:
            return b"".join(self.connections)

    def body(self):
        """The body of the one request that came since `forget`."""
        head, _, body = self.bytes().partition(b"\r\n\r\n")
        assert head.startswith(b"POST ") and head.count(b"HTTP/1.1") == 1, f"not one request: {head}"
        return json.loads(body)
