"""Presidio's analyser behind HTTP on loopback: presidio_server.py [PORT]; prints the URL to ask at once it answers.

Needs the packages of scripts/requirements/presidio.txt. The HTTP server that Presidio's project runs (`app.py`) is not in its wheel; this one puts the engine
of the wheel behind the same `POST /analyze`: it reads requests with the wheel's own `AnalyzerRequest`, and answers with a list of findings or with an error.
What finds is Presidio's, set up as its `no_op.yaml` says: patterns, checksums and words beside them, and no model of a language.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import presidio_analyzer
from presidio_analyzer import AnalyzerEngineProvider, AnalyzerRequest

NO_MODEL = Path(presidio_analyzer.__file__).parent / "conf" / "no_op.yaml"


def finding(result):
    """As it is answered: what the recogniser calls itself stays inside."""
    told = result.to_dict()
    told.pop("recognition_metadata", None)
    return told


def analyze(engine, asked):
    return engine.analyze(
        text=asked.text,
        language=asked.language,
        entities=asked.entities,
        correlation_id=asked.correlation_id,
        score_threshold=asked.score_threshold,
        return_decision_process=asked.return_decision_process,
        ad_hoc_recognizers=asked.ad_hoc_recognizers,
        context=asked.context,
        allow_list=asked.allow_list,
        allow_list_match=asked.allow_list_match,
        regex_flags=asked.regex_flags,
    )


class Analyser(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open, as behind its usual servers

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path != "/analyze":
            self.say(404, {"error": "only /analyze is here"})
            return
        try:
            found = analyze(self.server.engine, AnalyzerRequest(json.loads(body)))
        except Exception as error:  # whatever the engine makes of a request: a word of it and no findings
            self.say(500, {"error": str(error)})
            return
        self.say(200, [finding(result) for result in found])

    def say(self, status, body):
        text = json.dumps(body, sort_keys=True).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def main(arguments):
    port = int(arguments[0]) if arguments else 0
    server = ThreadingHTTPServer(("127.0.0.1", port), Analyser)
    server.engine = AnalyzerEngineProvider(nlp_engine_conf_file=NO_MODEL).create_engine()
    # The first text takes longest; whoever asks has a limit.
    server.engine.analyze(text="warm", language="en")
    print(f"http://127.0.0.1:{server.server_port}/analyze", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
