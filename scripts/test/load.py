"""Loads a check by its file name, which has a dash in it and so cannot be imported by name."""

import importlib.util
from pathlib import Path


def check(name):
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), Path(__file__).parent.parent / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
