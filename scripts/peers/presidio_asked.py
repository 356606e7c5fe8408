"""The built program, `tabellion` from PATH, asked in Presidio's words by a system with a key."""

from acknowledged import Notary, ask, free_port

RULES = '@id("all")\npermit (principal, action, resource);\n'


class Served:
    """The program with one live system, whose key is `secret`."""

    def __init__(self, place):
        self.address = f"127.0.0.1:{free_port()}"
        # A provider has to be there; nobody listens at it, and nothing may be sent.
        nowhere = f'[upstream.nowhere]\nbase_url = "http://127.0.0.1:{free_port()}/v1"\nmodels = ["m"]\n'
        self.notary = Notary(place / "served", place, f'\n[gateway]\nlisten = "{self.address}"\n\n{nowhere}')
        self.notary.start().person()
        api = self.notary.api
        system = api("systems", "POST", {"name": "Tests", "purposes": ["tests"], "capture": "masked", "capture_reason": "tests"}).body["result"]["id"]
        api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
        api("policies/tests", "PUT", {"text": RULES, "note": "tests"})
        self.secret = api(f"systems/{system}/keys", "POST", {"name": "tests", "purposes": ["tests"]}).body["result"]["secret"]

    def url(self, key):
        """Its address for clients that know no header for a key."""
        return f"http://tabellion:{key}@{self.address}/presidio"

    def asked(self, tool, body=None):
        method = "GET" if body is None else "POST"
        return ask(f"http://{self.address}/presidio/{tool}", method, body, {"authorization": f"Bearer {self.secret}"})

    def recorded(self, answer):
        """What the record says that an answer names."""
        return self.notary.api(f"entries/{answer.headers['tabellion-entry']}").body["units"][0]["fields"]

    def nothing_kept(self, *texts):
        """None of these stands in what a reader of every record is shown."""
        before = None
        while before is None or before:
            page = self.notary.api("entries?limit=200" + (f"&before={before}" if before else "")).body
            for text in texts:
                assert text not in str(page), f"{text!r} is on record"
            before = page["next"] or 0

    def stop(self):
        self.notary.stop()
