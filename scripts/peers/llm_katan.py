"""Runs llm-katan's echo backend on a free port of loopback and prints its base URL when it answers: llm_katan.py DIRECTORY

Needs the packages of scripts/requirements/llm-katan.txt. Ends, and ends the server, at SIGINT or SIGTERM. DIRECTORY takes the
statistics that it would otherwise keep in the home directory.
"""

import contextlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

READY_SECONDS = 30
MODEL = "echo"
AT_ONCE = "64"  # its default is one answer at a time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    with contextlib.suppress(urllib.error.URLError):
        return urllib.request.urlopen(f"{url}/health", timeout=READY_SECONDS).status == 200
    return False


def main(arguments):
    url = f"http://127.0.0.1:{(port := free_port())}"
    server = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("llm-katan")),
            *("--model", MODEL, "--backend", "echo", "--providers", "openai,anthropic", "--max-concurrent", AT_ONCE),
            *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--disable-dashboard"),
            *("--stats-file", str(Path(arguments[0]) / "stats.json")),
        ],
        stdout=sys.stderr,
    )
    signal.signal(signal.SIGINT, signal.default_int_handler)  # nohup and shells in the background switch it off
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        end = time.monotonic() + READY_SECONDS
        while not answers(url):
            if server.poll() is not None or time.monotonic() > end:
                sys.exit(f"llm-katan does not answer at {url}/health")
            time.sleep(0.05)
        print(f"{url}/v1", flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
