"""Steps of aws.sh: aws.py PLACE

The stand-in lets nobody in whose signature botocore would have made otherwise. Models have colons and slashes, keys are renewed while the program runs, prompts are
masked before they are signed. And boto3 in front: with a key of ours it is served, streams too; with keys of AWS it is told what to do.
"""

import json
import os
import sys
from pathlib import Path

import bedrock_stand_in
import boto3
from acknowledged import Notary, ask, free_port, wait_for
from botocore.config import Config
from botocore.exceptions import ClientError
from passthrough import opened, usage_of

MODELS = (
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
)
MESSAGES = [{"role": "user", "content": [{"text": "What grows in pots?"}]}]
FIRST = ("ASIAFIRSTEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "of/the+first/session==")
SECOND = ("ASIASECONDEXAMPLE", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY", "of/the+second/session==")


def put(place, key):
    """The parts of a key into their files, each as a whole."""
    for name, part in zip(("id", "secret", "token"), key, strict=True):
        new = place / f"{name}.new"
        new.touch(mode=0o600)
        new.write_text(f"{part}\n")
        new.replace(place / name)


def configuration(place, gateway, port):
    signed = f"""
auth = "aws_sigv4"
aws_region = "{bedrock_stand_in.REGION}"
aws_access_key_id_file = "{place}/id"
aws_secret_access_key_file = "{place}/secret"
aws_session_token_file = "{place}/token"
"""
    return f"""[gateway]
listen = "{gateway}"
tls_certificate = "{place}/gateway.pem"
tls_key = "{place}/gateway.key"

[upstream.bedrock]
api = "bedrock"
base_url = "http://127.0.0.1:{port}"
models = {json.dumps(MODELS)}{signed}
[upstream.chat]
base_url = "http://127.0.0.1:{port}/openai/v1"
models = ["m"]{signed}"""


def client(gateway, place, **keys):
    quiet = Config(retries={"total_max_attempts": 1})
    return boto3.client("bedrock-runtime", region_name="eu-central-1", endpoint_url=f"https://{gateway}", verify=str(place / "gateway.pem"), config=quiet, **keys)


def by_boto3(notary, bedrock, gateway, place, secret):
    """As docs/coarse-routes.md has it: the key of a system in place of one of Bedrock."""
    os.environ["AWS_BEARER_TOKEN_BEDROCK"] = secret
    ours = client(gateway, place)
    for model in MODELS:
        answer = ours.converse(modelId=model, messages=MESSAGES)
        assert answer["output"]["message"]["content"] == [{"text": bedrock_stand_in.TEXT}], answer
        events = list(ours.converse_stream(modelId=model, messages=MESSAGES)["stream"])
        assert events[-1]["metadata"]["usage"] == bedrock_stand_in.USAGE, events
        assert answer["ResponseMetadata"]["RequestId"] == answer["ResponseMetadata"]["HTTPHeaders"]["tabellion-record"], "boto3 logs another id"
    try:
        ours.converse(modelId="nobody.serves-this", messages=MESSAGES)
        raise AssertionError("a model that nobody serves answered")
    except ours.exceptions.ResourceNotFoundException as error:
        assert "unknown_model" in str(error), error
    del os.environ["AWS_BEARER_TOKEN_BEDROCK"]
    asked = len(bedrock.asked)
    try:
        client(gateway, place, aws_access_key_id=FIRST[0], aws_secret_access_key=FIRST[1]).converse(modelId=MODELS[0], messages=MESSAGES)
        raise AssertionError("whoever has keys of AWS needs none of ours")
    except ClientError as error:
        assert "AWS_BEARER_TOKEN_BEDROCK" in str(error), f"its user is not told what to do: {error}"
    assert len(bedrock.asked) == asked, "what is no caller's was sent on"


def main(place):
    bedrock = bedrock_stand_in.start({FIRST[0]: FIRST[1:]})
    put(place, FIRST)
    gateway = f"127.0.0.1:{free_port()}"
    os.environ["SSL_CERT_FILE"] = str(place / "gateway.pem")
    notary = Notary(place / "notary", place, configuration(place, gateway, bedrock.server_port))
    notary.start().person()
    system = notary.api("systems", "POST", {"name": "Tests", "purposes": ["tests"]}).body["result"]["id"]
    notary.api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
    notary.api("policies/tests", "PUT", {"text": '@id("all")\npermit (principal, action, resource);\n', "note": "tests"})
    secret = notary.api(f"systems/{system}/keys", "POST", {"name": "tests", "purposes": ["tests"]}).body["result"]["secret"]
    opened(notary, system)
    head = {"authorization": f"Bearer {secret}"}

    def converse(model=MODELS[0]):
        return ask(f"https://{gateway}/model/{model}/converse", "POST", {"messages": MESSAGES}, head)

    answer = converse()
    assert answer.status == 200, f"{answer.status} {answer.body}: {bedrock.asked[-1:]}"
    usage = usage_of(notary, answer)["answered"]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (11, 4), usage

    chat = {"model": "m", "messages": [{"role": "user", "content": "Write to ada@example.org – bitte schön"}]}
    answer = ask(f"https://{gateway}/v1/chat/completions", "POST", chat, head)
    assert answer.status == 200, f"{answer.status} {answer.body}: {bedrock.asked[-1:]}"
    path, _, body, _ = bedrock.asked[-1]
    assert path == "/openai/v1/chat/completions" and b"ada@" not in body and b"<EMAIL_" in body, (path, body)

    by_boto3(notary, bedrock, gateway, place, secret)

    wrong = [fault for *_, fault in bedrock.asked if fault]
    assert not wrong, f"botocore signs otherwise: {wrong}"

    # A temporary key is renewed: the one of before ends a while after.
    bedrock.keys = {FIRST[0]: FIRST[1:], SECOND[0]: SECOND[1:]}
    put(place, SECOND)
    wait_for("the key that was renewed", lambda: converse().status == 200 and SECOND[0] in bedrock.asked[-1][1]["authorization"])
    bedrock.keys = {SECOND[0]: SECOND[1:]}
    assert converse().status == 200, bedrock.asked[-1]

    bedrock.keys = {}
    refused = converse()
    assert (refused.status, refused.headers["tabellion-code"]) == (502, "upstream_refused"), f"{refused.status} {refused.body}"

    loaded = json.dumps(notary.api("entries?type=config.loaded&limit=200").body)
    assert "aws_sigv4" in loaded, "nobody can read how a provider is asked"
    notary.stop()
    said = "".join(path.read_text() for path in place.glob("serve-*.txt"))
    for part in (*FIRST[1:], *SECOND[1:], secret):
        assert part not in loaded and part not in said, "a secret is on record or in the program's log"
    good = sum(1 for *_, fault in bedrock.asked if not fault)
    print(f"{good} requests with the signature that botocore makes of them")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
