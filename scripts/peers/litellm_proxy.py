"""Runs LiteLLM's gateway in front of llm-katan and prints its base URL when it answers: litellm_proxy.py DIRECTORY KEY ECHO_URL

It is the provider here: it answers `/v1/responses` for a provider that has chats, and for one that has Anthropic's messages. Needs the packages of
scripts/requirements/gateways.txt. Ends, and ends the server, at SIGINT or SIGTERM.
"""

import os
import sys
from pathlib import Path

from acknowledged import free_port
from provider import serve

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


def main(place, key, echo):
    (place / "litellm.yaml").write_text(CONFIGURATION.format(chats=echo, messages=echo.removesuffix("/v1"), key=key))
    url = f"http://127.0.0.1:{(port := free_port())}"
    program = Path(sys.executable).with_name("litellm")
    options = ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1", "--telemetry", "False"]
    command = [program, "--config", place / "litellm.yaml", *options]
    return serve("LiteLLM", command, url, "/health/liveliness", READY_SECONDS, {**os.environ, **ENVIRONMENT})


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
