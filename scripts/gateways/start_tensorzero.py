"""Starts the HTTP gateway that the package tensorzero carries, and waits: tensorzero.py CONFIGURATION"""

import signal
import sys

import tensorzero

gateway = tensorzero._start_http_gateway(  # the package's own tests start it so
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
)
print(gateway.base_url, flush=True)
signal.pause()
