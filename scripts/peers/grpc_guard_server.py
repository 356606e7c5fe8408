"""A guard behind gRPC on loopback: grpc_guard_server.py PORT KEY; prints the URL to ask at once it answers.

What is generated from proto/tabellion/guard/v1/guard.proto has to be on PYTHONPATH, and grpcio beside it. It finds words, which say how it answers.
Where it may, it has `kumquat` changed wherever that stands.
"""

import sys
from concurrent import futures

import grpc
from tabellion.guard.v1 import guard_pb2, guard_pb2_grpc

VERDICTS = {
    "heron": guard_pb2.CheckResponse(verdict=guard_pb2.VERDICT_BLOCK, reason_code="off-topic", detector="topic-net", version="7.1"),
    "4111": guard_pb2.CheckResponse(verdict=guard_pb2.VERDICT_BLOCK, reason_code="card"),
    "egret": guard_pb2.CheckResponse(),
    "stork": guard_pb2.CheckResponse(verdict=9),
    "crane": guard_pb2.CheckResponse(verdict=guard_pb2.VERDICT_BLOCK, reason_code="They asked about a crane"),
    "owl": guard_pb2.CheckResponse(verdict=guard_pb2.VERDICT_PASS, reason_code="x" * (2 << 20)),
}
# What it has changed, and into what.
CHANGED, INTO = "kumquat", "fruit"
STATUSES = {"raven": grpc.StatusCode.UNAVAILABLE, "rook": grpc.StatusCode.RESOURCE_EXHAUSTED}


def changes(texts):
    """Offsets are those of bytes, as our description has it."""
    verdict = guard_pb2.CheckResponse(verdict=guard_pb2.VERDICT_FLAG)
    for number, text in enumerate(texts):
        data, word = text.encode(), CHANGED.encode()
        start = data.find(word)
        while start >= 0:
            verdict.edits.add(text=number, start=start, end=start + len(word), replacement=INTO, label="fruit")
            start = data.find(word, start + len(word))
    return verdict


class Guard(guard_pb2_grpc.GuardServicer):
    def __init__(self, key):
        self.key = key

    def Check(self, request, context):
        if dict(context.invocation_metadata()).get("authorization") != f"Bearer {self.key}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no key, or another one")
        is_whole = request.guard and request.guard_version and request.model and request.purpose and len(request.system) == 32
        if not is_whole or request.of not in (guard_pb2.SIDE_PROMPT, guard_pb2.SIDE_ANSWER) or not all(request.texts):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the question is not as described")
        text = "\n".join(request.texts)
        for word, status in STATUSES.items():
            if word in text:
                context.abort(status, "as the test has it")
        if request.may_edit and CHANGED in text:
            return changes(request.texts)
        found = (verdict for word, verdict in VERDICTS.items() if word in text)
        return next(found, guard_pb2.CheckResponse(verdict=guard_pb2.VERDICT_PASS))

    def CheckBatch(self, request, context):
        if not request.questions:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "nothing is asked")
        return guard_pb2.CheckBatchResponse(verdicts=[self.Check(question, context) for question in request.questions])


def main(port, key):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    guard_pb2_grpc.add_GuardServicer_to_server(Guard(key), server)
    assert server.add_insecure_port(f"127.0.0.1:{port}") == int(port), "the port is taken"
    server.start()
    print(f"http://127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
