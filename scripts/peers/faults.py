"""Steps of faults.sh: faults.py PLACE STORY…

Runs the built program, `tabellion` from PATH, over disks and deaths that it did not choose, and holds an outside journal of acknowledgements against what is left.
Stories: errors (libfiu), full (a file system of 64 MiB, which the caller mounts at PLACE/small), kills (kill -9 over HTTP).
"""

import errno
import json
import random
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from acknowledged import Journal, Notary, ask, free_port, last_line, tabellion, wait_for

# Each happens once, under load, and each has to be met: by a refusal, or by an end that says so.
ERRORS = [
    ("posix/io/rw/pwrite", errno.EIO),
    ("posix/io/rw/pwrite", errno.ENOSPC),
    ("posix/io/sync/fdatasync", errno.EIO),
    ("posix/io/sync/fdatasync", errno.ENOSPC),
    ("posix/io/sync/fsync", errno.EIO),
    ("posix/io/rw/pread", errno.EIO),
    ("posix/io/oc/open", errno.EIO),
    ("posix/io/dir/rename", errno.EIO),
]
CLIENTS = 4
# Acknowledgements before something goes wrong, and after which a server that lives on is believed to.
SOME = 12
KILLS = 8
SMALL_SEGMENT = "[log]\nsegment_mib = 16\n"


def more(journal, count=SOME):
    target = len(journal.acknowledged) + count
    return lambda: len(journal.acknowledged) >= target


def errors(place):
    """One failing call at a time, in a server under load."""
    notary = Notary(place / "errors", place, SMALL_SEGMENT)
    journal = Journal(place / "errors.journal")
    notary.start().person()
    notary.stop()
    ended, lived = {}, set()
    for name, number in ERRORS:
        fault = f"{name} {errno.errorcode[number]}"
        fifo = place / "fiu"
        notary.start(["fiu-run", "-x", "-f", str(fifo)])
        over = threading.Event()
        threads = journal.load(notary, CLIENTS, over.is_set)
        try:
            wait_for(f"acknowledgements before {fault}", more(journal))
            enable = f"enable name={name},onetime,failinfo={number}"
            subprocess.run(["fiu-ctrl", "-f", str(fifo), "-c", enable, str(notary.process.pid)], check=True)
            going_on = more(journal, 4 * SOME)
            # What is published and made durable beside the commits has its turn once a second.
            turn = time.monotonic() + 1.5
            wait_for(f"what {fault} does", lambda: (going_on() and time.monotonic() > turn) or notary.process.poll() is not None)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        if notary.process.poll() is None:
            # It was met by somebody whose work can be done again: a refusal, or a view that is read anew.
            lived.add(fault)
            notary.process.terminate()
            # The fault may have waited for the end, which then says so.
            code = notary.process.wait(60)
            assert code in (0, 1), f"{fault}: ended with {code}:\n{notary.said.read_text()}"
        else:
            told = last_line(notary.said)
            assert notary.process.returncode == 1, f"{fault}: ended with {notary.process.returncode}: {told}"
            assert "start again" in told, f"{fault}: ended without a way out: {told}"
            ended[fault] = told
    notary.start()
    told = journal.check(notary, "errors")
    assert ended, "no fault met the log itself: the story proves too little"
    for fault, said in sorted(ended.items()):
        print(f"  {fault}: ends: {said[:150]}")
    for fault in sorted(lived):
        print(f"  {fault}: goes on, or nobody made such a call")
    codes = sorted({code for _, code, _ in journal.refused.values()})
    print(f"errors: {len(ERRORS)} failing calls; {told}; refusals {codes}")


def full(place):
    """A file system of 64 MiB fills up, and gets room again."""
    small = place / "small"
    notary = Notary(small / "n", place, SMALL_SEGMENT)
    journal = Journal(place / "full.journal", padding=100_000)
    ballast = small / "ballast"
    notary.start().person()
    ballast.write_bytes(b"\1" * (20 << 20))
    refusals = 0
    while refusals < 5:
        answer = journal.post(notary, journal.next_key())
        refusals += answer.status != 201
        assert len(journal.sent) < 2000, "64 MiB hold more than they can"
        assert notary.process.poll() is None, f"a full disk ended the server:\n{notary.said.read_text()}"
    status, code, detail = (answer.status, answer.code, answer.detail)
    assert status == 507 and code == "storage_full" and "free" in detail.lower(), f"a full disk is refused as {status} {code}: {detail}"
    # Reading goes on.
    index, record = sorted(journal.acknowledged.values())[-1]
    assert notary.api(f"entries/{index}").body["record_id"] == record, "a full disk hides what is recorded"
    receipt = place / "full.receipt"
    tabellion("log", "prove", index, "--dir", notary.directory, "--out", receipt)
    tabellion("verify", receipt, "--trust", notary.directory / "trust.txt")
    ready = ask(notary.control + "/readyz")
    assert ready.status == 503 and "full" in ready.detail, f"a server that can record nothing says that it is ready: {ready.body}"
    package = place / "full.zip"
    exported = tabellion("export", "--out", package, "--dir", notary.directory, codes=(0, 1))
    if exported.returncode:
        assert "full" in exported.stderr, f"an export that fails on a full disk does not say why: {exported.stderr}"
    # Room again: nobody starts anything.
    ballast.unlink()
    begin = time.monotonic()
    wait_for("appends after space was freed", lambda: journal.post(notary, journal.next_key()).status == 201)
    again = time.monotonic() - begin
    wait_for("readiness after space was freed", lambda: ask(notary.control + "/readyz").status == 200)
    tabellion("export", "--out", place / "after.zip", "--dir", notary.directory)
    tabellion("verify", place / "after.zip", "--trust", notary.directory / "trust.txt")
    notary.stop()
    journal.sent = set(journal.acknowledged) | {key for key in journal.sent if key not in journal.refused}
    told = journal.check(notary.start(), "full")
    print(f"full: refused as {status} {code}; {told}; went on {again:.1f} s after there was space; export while full: {exported.returncode}")


class Provider(BaseHTTPRequestHandler):
    """A model that says what it was asked."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message = {"role": "assistant", "content": asked["messages"][-1]["content"]}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"id": "x", "object": "chat.completion", "created": 1, "model": asked["model"], "choices": [choice], "usage": usage}
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def kills(place):
    """kill -9 while records arrive at the control plane and calls at the gateway."""
    provider = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    gateway = f"127.0.0.1:{free_port()}"
    upstream = f'[upstream.x]\nbase_url = "http://127.0.0.1:{provider.server_port}/v1"\nmodels = ["m"]\n[probes]\nevery_minutes = "off"\n'
    notary = Notary(place / "kills", place, f'{SMALL_SEGMENT}[gateway]\nlisten = "{gateway}"\n{upstream}')
    journal = Journal(place / "kills.journal")
    notary.start().person()
    system = notary.api("systems", "POST", {"name": "Tests", "purposes": ["tests"], "capture": "masked", "capture_reason": "tests"}).body["result"]["id"]
    notary.api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
    notary.api("policies/tests", "PUT", {"text": '@id("all")\npermit (principal, action, resource);\n', "note": "tests"})
    secret = notary.api(f"systems/{system}/keys", "POST", {"name": "tests", "purposes": ["tests"]}).body["result"]["secret"]
    answered, lock = {}, threading.Lock()

    def calls(number, over):
        turn = 0
        while not over.is_set():
            turn += 1
            text = f"call {notary.lives} {number} {turn}"
            body = {"model": "m", "messages": [{"role": "user", "content": text}]}
            got = ask(f"http://{gateway}/v1/chat/completions", "POST", body, {"authorization": f"Bearer {secret}"})
            if got.status == 200:
                with lock:
                    answered[got.headers["tabellion-record"]] = text
            elif not got.status:
                time.sleep(0.005)

    seed = time.time_ns() & 0xFFFF_FFFF
    chance = random.Random(seed)
    print(f"kills: seed {seed}")
    notary.kill()
    for _ in range(KILLS):
        notary.start(ready=False)
        over = threading.Event()
        threads = journal.load(notary, CLIENTS, over.is_set)
        threads += [threading.Thread(target=calls, args=(number, over)) for number in range(2)]
        for thread in threads[CLIENTS:]:
            thread.start()
        # The moment of the death, not a wait for anything: from before it is ready to well after.
        time.sleep(chance.uniform(0.05, 2.0))
        notary.kill()
        over.set()
        for thread in threads:
            thread.join()
    notary.start()
    entries = {}
    before = None
    while before is None or before:
        page = notary.api("entries?limit=200" + (f"&before={before}" if before else "")).body
        entries |= {entry["record_id"]: entry["type"] for entry in page["entries"]}
        before = page["next"] or 0
    lost = [text for record, text in answered.items() if record not in entries]
    assert not lost, f"calls that were answered are not in the log: {lost}"
    told = journal.check(notary, "kills")
    assert answered and len(journal.acknowledged) > KILLS, "the server lived too short: the story proves too little"
    print(f"kills: {KILLS} over HTTP; {told}; {len(answered)} calls answered and found")


if __name__ == "__main__":
    where, *stories = sys.argv[1:]
    for story in stories:
        {"errors": errors, "full": full, "kills": kills}[story](Path(where))
