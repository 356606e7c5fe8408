#!/usr/bin/env python3
"""bitcoin_node.py HEADER HEIGHT: as much of a Bitcoin node's JSON-RPC as opentimestamps-client asks of one, with one block, of this height and header (hex).

No Bitcoin runs here: what it shows is that the client, asked as an auditor would ask it, reads our proofs and holds them against the block it is given. Prints
its URL when it listens.
"""
import hashlib
import http.server
import json
import sys

HEADER = sys.argv[1]
HEIGHT = int(sys.argv[2])
HASH = hashlib.sha256(hashlib.sha256(bytes.fromhex(HEADER)).digest()).digest()[::-1].hex()


class Node(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        method, params = asked["method"], asked["params"]
        result, error = None, None
        if method == "getblockcount":
            result = HEIGHT
        elif method == "getblockhash" and params[0] == HEIGHT:
            result = HASH
        elif method == "getblockheader" and params[0] == HASH:
            result = HEADER
        else:
            error = {"code": -8, "message": "Block height out of range"}
        body = json.dumps({"result": result, "error": error, "id": asked["id"]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Node)
print(f"http://anyone:anything@127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
