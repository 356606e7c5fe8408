"""A provider that others wrote, as a process of its own that ends with whoever started it."""

import contextlib
import signal
import subprocess
import sys
import time
import urllib.request


def answers(url, seconds):
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(url, timeout=seconds).status == 200
    return False


def serve(name, command, url, health, seconds, env=None):
    """Runs `command` until it is told to end; says the base URL below `url` once `health` answers there, within so many `seconds`."""
    server = subprocess.Popen(command, env=env, stdout=sys.stderr)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # nohup and shells in the background switch it off
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        end = time.monotonic() + seconds
        while not answers(url + health, seconds):
            if server.poll() is not None or time.monotonic() > end:
                sys.exit(f"{name} does not answer at {url}{health}")
            time.sleep(0.05)
        print(f"{url}/v1", flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()
