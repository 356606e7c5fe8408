"""What goes over the wire between a client and a notary: a relay that keeps every byte on its way there."""

import socket
import threading


class Wire:
    """Listens on a port of its own and passes everything on to `port`, both ways; `sent` has what clients sent."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._kept: list[bytes] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            notary = socket.create_connection(("127.0.0.1", self._port))
            for source, sink, kept in ((client, notary, self._kept), (notary, client, None)):
                threading.Thread(target=self._pass_on, args=(source, sink, kept), daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, sink: socket.socket, kept: list[bytes] | None) -> None:
        try:
            while piece := source.recv(1 << 16):
                if kept is not None:
                    kept.append(piece)
                sink.sendall(piece)
        except OSError:
            pass  # the other side is gone
        for end in (source, sink):
            end.close()

    def sent(self) -> bytes:
        return b"".join(self._kept)

    def close(self) -> None:
        self._listener.close()
