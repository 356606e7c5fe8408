"""Canonical JSON (RFC 8785), integers only: read, write again, compare.

Source: docs/formats.md §1. That one comparison refuses duplicate members, white space, other escapes and trailing bytes.
"""

import json
from typing import Any

from .faults import Malformed

Json = Any

MAX_INTEGER = (1 << 53) - 1
MAX_NESTING = 32  # the outermost object or array is level 1


def _refuse_number(_: str) -> Json:
    raise Malformed("holds a number that is no integer")


def nesting(value: Json) -> int:
    """Levels of objects and arrays in a value; 0 for a number, string or literal. Goes through it without recursion."""
    deepest, rest = 0, [(value, 1)]
    while rest:
        item, level = rest.pop()
        if isinstance(item, (dict, list)):
            deepest = max(deepest, level)
            rest += [(inner, level + 1) for inner in (item.values() if isinstance(item, dict) else item)]
        elif type(item) is int and abs(item) > MAX_INTEGER:
            raise Malformed("holds an integer beyond 2^53-1")
    return deepest


def _sorted(value: Json) -> Json:
    if isinstance(value, dict):
        # RFC 8785 §3.2.3: by UTF-16 code units.
        return {name: _sorted(value[name]) for name in sorted(value, key=lambda name: name.encode("utf-16-be"))}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def write(value: Json) -> bytes:
    """The canonical form."""
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def read(data: bytes, most_levels: int = MAX_NESTING) -> Json:
    """The value of canonical bytes."""
    try:
        value = json.loads(data.decode(), parse_float=_refuse_number, parse_constant=_refuse_number)
        if nesting(value) > most_levels:
            raise Malformed(f"nests deeper than {most_levels} levels")
        again = write(value)  # refuses lone surrogates: they have no UTF-8
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed("is not canonical JSON") from error
    if again != data:
        raise Malformed("is JSON in another than its canonical form")
    return value
