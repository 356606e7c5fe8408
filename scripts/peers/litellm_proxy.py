"""Runs LiteLLM's gateway in front of llm-katan and prints its base URL when it answers: litellm_proxy.py DIRECTORY KEY ECHO_URL

It is the provider here: it answers `/v1/responses` for a provider that has chats, and for one that has Anthropic's messages. Needs the packages of
scripts/requirements/gateways.txt. Ends, and ends the server, at SIGINT or SIGTERM.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

READY_SECONDS = 120  # it reads some thousand modules first
CONFIGURATION = """
model_list:
  - model_name: of-chats
    litellm_params: {{model: openai/echo, api_base: "{chats}", api_key: any, use_chat_completions_api: true}}
  - model_name: of-messages
    litellm_params: {{model: anthropic/echo, api_base: "{messages}", api_key: any}}
general_settings: {{master_key: {key}}}
litellm_settings: {{callbacks: [], num_retries: 0, request_timeout: 60, telemetry: false}}
"""
# Without the first it asks the network for prices when it starts.
ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "DISABLE_ADMIN_UI": "true"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(f"{url}/health/liveliness", timeout=READY_SECONDS).status == 200
    return False


def main(place, key, echo):
    (place / "litellm.yaml").write_text(CONFIGURATION.format(chats=echo, messages=echo.removesuffix("/v1"), key=key))
    url = f"http://127.0.0.1:{(port := free_port())}"
    program = Path(sys.executable).with_name("litellm")
    options = ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1", "--telemetry", "False"]
    command = [program, "--config", place / "litellm.yaml", *options]
    server = subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, stdout=sys.stderr)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # nohup and shells in the background switch it off
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        end = time.monotonic() + READY_SECONDS
        while not answers(url):
            if server.poll() is not None or time.monotonic() > end:
                sys.exit(f"LiteLLM does not answer at {url}")
            time.sleep(0.1)
        print(f"{url}/v1", flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
