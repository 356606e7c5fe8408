"""Fails when a document names a file, a make target, a test, a subcommand or an option that is not there, or a threat that nothing tries.

    check-docs.py [PROGRAM]

Without PROGRAM the links, make targets and tests are checked; with it, also every `tabellion …` command in code.
Prints one line per finding: file, line, what.
"""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
CODE = re.compile(r"`([^`]+)`")
TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")
COMMAND = re.compile(r"(?:^|[\s/$(;|&])tabellion ((?:[^|;&`#]|$)*)")
PATH = re.compile(r"(?:bench|crates|docs|e2e|examples|fuzz|scripts|web)/[\w./-]*")
TEST = re.compile(r"cargo test -p ([a-z-]+)(?: --(?:lib|test it))?((?: [a-z][a-z0-9_:]*)*)")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")


def code_of(text):
    """(line number, code) of every fenced block's lines and every inline code span."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            yield number, line
        else:
            for span in CODE.findall(line):
                yield number, span


def broken_links(path, text, exists):
    """Links to files that are not there. `exists(relative path from the root)` answers."""
    for number, line in enumerate(text.splitlines(), 1):
        for target, _ in LINK.findall(line):
            if not exists((Path(path).parent / target).as_posix()):
                yield f"{path}:{number}: links to {target}, which is not there"


def missing_paths(path, text, exists):
    """Code spans that read like a path of the repository and are none."""
    for number, code in code_of(text):
        if PATH.fullmatch(code) and not exists(code):
            yield f"{path}:{number}: `{code}` is not there"


def unknown_targets(path, text, targets):
    for number, code in code_of(text):
        for target in TARGET.findall(code):
            if target not in targets:
                yield f"{path}:{number}: `make {target}` is no target of the Makefile"


def missing_tests(path, text, sources_of):
    """Tests to be run that no longer exist. `sources_of(crate)` is all Rust text of a crate, or None."""
    for number, code in code_of(text):
        for crate, names in TEST.findall(code):
            sources = sources_of(crate)
            if sources is None:
                yield f"{path}:{number}: `cargo test -p {crate}` names no crate"
                continue
            for name in re.split(r"[\s:]+", names.strip()):
                if name and not re.search(rf"\b(?:fn|mod) {name}\b", sources):
                    yield f"{path}:{number}: {crate} has no test or module of tests {name}"


THREATS = "docs/threat-model.md"


def untried_threats(path, text):
    """Rows of the threat model that name neither a test nor say that they are no goal."""
    if path != THREATS:
        return
    rows = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.startswith("| ")]
    for number, line in rows:
        is_head = line.startswith("| threat |")
        is_tried = re.search(r"`(?:cargo test -p|scripts/)[^`]*` *[|,]", line)
        if not is_head and not is_tried and "*no goal*" not in line:
            yield f"{path}:{number}: nothing tries this threat, and it is not called no goal"
    if len(rows) < 2:
        yield f"{path}: there is no row of a threat"


def rust_sources():
    @cache
    def sources_of(crate):
        place = Path("crates") / crate.removeprefix("tabellion-")
        files = sorted(place.rglob("*.rs")) if place.is_dir() else []
        return "\n".join(file.read_text(encoding="utf-8") for file in files) or None

    return sources_of


def unknown_commands(path, text, help_of):
    """Commands and options that the program does not list. `help_of(words)` is the help text of a subcommand or None."""
    for number, code in code_of(text):
        # A crate is called like the program.
        if code.lstrip().startswith("cargo "):
            continue
        for rest in COMMAND.findall(code):
            words = []
            for word in rest.split():
                if not re.fullmatch(r"[a-z][a-z-]*", word) or help_of(tuple(words) + (word,)) is None:
                    break
                words.append(word)
            first = rest.split()[:1]
            if not words and first and re.fullmatch(r"[a-z][a-z-]*", first[0]):
                yield f"{path}:{number}: `tabellion {first[0]}` is no command of the program"
                continue
            shown = help_of(tuple(words)) or ""
            for option in OPTION.findall(rest):
                if not re.search(rf"(?<![\w-]){option}(?![\w-])", shown):
                    yield f"{path}:{number}: `tabellion {' '.join(words)}` has no option {option}"


def program_help(program):
    @cache
    def help_of(words):
        if words and words[-1] not in listed(words[:-1]):
            return None
        ran = subprocess.run([program, *words, "--help"], capture_output=True, text=True, timeout=30)
        return ran.stdout if ran.returncode == 0 else None

    @cache
    def listed(words):
        """Names under `Commands:` in the help of `words`."""
        shown = help_of(words) or ""
        section = shown.partition("Commands:")[2].partition("\n\n")[0]
        return set(re.findall(r"^  ([a-z][a-z-]*)", section, re.MULTILINE))

    return help_of


def main(arguments):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], capture_output=True, text=True, check=True
    )
    targets = set(re.findall(r"^([a-z][a-z-]*):", Path("Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    help_of = program_help(arguments[0]) if arguments else None
    sources_of = rust_sources()
    if help_of and help_of(()) is None:
        print(f"check-docs: {arguments[0]} --help failed")
        return 1
    found = []
    paths = [path for path in listed.stdout.splitlines() if Path(path).is_file()]
    for path in paths:
        text = Path(path).read_text(encoding="utf-8")
        found += broken_links(path, text, lambda target: Path(target).exists())
        found += missing_paths(path, text, lambda target: Path(target).exists())
        found += unknown_targets(path, text, targets)
        found += missing_tests(path, text, sources_of)
        found += untried_threats(path, text)
        if help_of:
            found += unknown_commands(path, text, help_of)
    print("\n".join(found) if found else f"documents: {len(paths)} hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
