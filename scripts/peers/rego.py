"""Asks the engine of OPA itself what crates/policy/tests/rego-cases.json says of Rego, and fails where it says otherwise.

    rego.py CASES DIR

DIR holds the unpacked wheel of opa-golib-python-bindings: OPA's own engine as a library. Errors of functions are errors there, as they are with us.
"""

import json
import sys

UNDEFINED, FAILED = {"undefined": True}, {"failed": True}


def main():
    cases, library = sys.argv[1:]
    sys.path.insert(0, library)
    from opa_bindings import OpaEngine, OpaError, OpaUndefinedError

    def asked(case):
        with OpaEngine() as engine:
            try:
                engine.add_policy("policy.rego", "package case\n\n" + case["policy"] + "\n")
                return {"result": engine.eval_document("case.r", case["input"])}
            except OpaUndefinedError:
                return UNDEFINED
            except OpaError as error:
                # What does not compile was never asked, which is another thing than a rule that failed.
                return FAILED if "eval_" in str(error) else {"refused": str(error)}

    with open(cases, encoding="utf-8") as file:
        cases = json.load(file)
    otherwise = 0
    for case in cases:
        wanted = {name: case[name] for name in ("result", "undefined", "failed") if name in case}
        came = asked(case)
        if came != wanted:
            otherwise += 1
            print(f"{case['name']}: wanted {wanted}, came {came}")
    print(f"{len(cases) - otherwise} of {len(cases)} cases come out of OPA as the table has them")
    sys.exit(1 if otherwise else 0)


main()
