"""Runs llm-katan's echo backend on a free port of loopback and prints its base URL when it answers: llm_katan.py DIRECTORY

Needs the packages of scripts/requirements/llm-katan.txt. Ends, and ends the server, at SIGINT or SIGTERM. DIRECTORY takes the
statistics that it would otherwise keep in the home directory.
"""

import sys
from pathlib import Path

from acknowledged import free_port
from provider import serve

READY_SECONDS = 30
MODEL = "echo"
AT_ONCE = "64"  # its default is one answer at a time


def main(place):
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [
        str(Path(sys.executable).with_name("llm-katan")),
        *("--model", MODEL, "--backend", "echo", "--providers", "openai,anthropic", "--max-concurrent", AT_ONCE),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--disable-dashboard"),
        *("--stats-file", str(place / "stats.json")),
    ]
    return serve("llm-katan", command, url, "/health", READY_SECONDS)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
