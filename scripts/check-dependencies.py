"""Fails when a dependency has no row in docs/decisions/0002-dependencies.md, or a row no dependency.

    check-dependencies.py [--table]

With --table prints, for each, its version, licence, the packages in its own tree and those that would leave with it;
these are the figures of the page.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path("docs/decisions/0002-dependencies.md")
ROW = re.compile(r"^\| `([a-z0-9_-]+)`")


class Graph:
    """What the workspace resolves to on Linux, as `cargo metadata` describes it."""

    def __init__(self, metadata):
        self.packages = {package["id"]: package for package in metadata["packages"]}
        self.own = set(metadata["workspace_members"])
        self.edges = {
            node["id"]: {
                dep["pkg"]
                for dep in node["deps"]
                # A dependency's tests are not ours.
                if node["id"] in self.own or any(kind["kind"] != "dev" for kind in dep["dep_kinds"])
            }
            for node in metadata["resolve"]["nodes"]
        }

    def direct(self):
        """External packages that our crates name, by name."""
        ids = {to for member in self.own for to in self.edges[member]} - self.own
        return {self.packages[id]["name"]: id for id in sorted(ids)}

    def reach(self, start, without=None):
        seen, waiting = set(), list(start)
        while waiting:
            here = waiting.pop()
            for to in self.edges[here]:
                # Only our own arrows are cut: what somebody else still brings stays.
                if to not in seen and not (here in self.own and to == without):
                    seen.add(to)
                    waiting.append(to)
        return seen - self.own

    def alone(self, id):
        return len(self.reach([id]) | {id})

    def leaves_with(self, id):
        return len(self.reach(self.own)) - len(self.reach(self.own, without=id))


def load():
    ran = subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"],
        capture_output=True,
        text=True,
        check=True,
    )
    return Graph(json.loads(ran.stdout))


def main(arguments):
    graph = load()
    direct = graph.direct()
    if "--table" in arguments:
        for name, id in direct.items():
            package = graph.packages[id]
            print(f"{name:28}{package['version']:22}{package['license']:48}{graph.alone(id):4}{graph.leaves_with(id):4}")
        print(f"{len(graph.reach(graph.own))} packages in all")
        return 0
    rows = {found.group(1) for line in PAGE.read_text(encoding="utf-8").splitlines() if (found := ROW.match(line))}
    findings = [f"{PAGE}: no row for {name}: say why it is here and what would remove it" for name in direct.keys() - rows]
    findings += [f"{PAGE}: a row for {name}, which no crate uses" for name in rows - direct.keys()]
    print("\n".join(sorted(findings)) if findings else f"dependencies: {len(direct)} argued")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
