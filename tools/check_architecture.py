#!/usr/bin/python3
"""Checks docs/internals/architecture.md against the source: each room and file has its line, and the walks lead through
existing functions, each called by one before it. docs/README.md has the lines of the public headers (check_docs.py).

A room is a heading "### src/ROOM: ...", a file (a header with its .cpp, a module of Python) a row "| `name` | ... |" below it. A step of
a walk is a row "| `Class::function` | [file](...) | ... |"; if its text begins with "Later", nothing before it needs to call it. A state
diagram is the table of transitions in the header that the text before it names.
"""

import ast
import re
import sys

from includes import ROOT

PAGE = ROOT / "docs/internals/architecture.md"
ROOM = re.compile(r"### ((?:src|include|python)/[\w/]+)\b.*")
ROW = re.compile(r"\| `([\w/.]+)` \| (.+) \|")
PYTHON_ROOMS = ("python/src", "python/c10k", "python/c10ktools")
IN_CLASS = r"^ .*?\b"
STEP = re.compile(r"\| `([\w:~.]+)` \| \[[^\]]+\]\(([^)]+)\) \| (.*) \|")


def files_by_room():
    """The names of the files in each room, without their suffixes."""
    rooms = {}
    for top in ("src", "include"):
        for file in sorted((ROOT / top).rglob("[!.]*")):
            if file.suffix in (".hpp", ".cpp"):
                path = file.relative_to(ROOT)
                room = "/".join(path.parts[:2] if top == "src" else path.parts[:-1])
                rooms.setdefault(room, {})[str(path.relative_to(room).with_suffix(""))] = path
    for room in PYTHON_ROOMS:
        for file in sorted((ROOT / room).rglob("[!.]*")):
            if file.suffix in (".hpp", ".cpp", ".py") and file.stem not in ("__init__", "__main__"):
                path = file.relative_to(ROOT)
                rooms.setdefault(room, {})[str(path.relative_to(room).with_suffix(""))] = path
    return rooms


def class_text(name, text):
    """The definition of a class or struct that lies in a .cpp file, or None."""
    match = re.search(rf"^(?:class|struct) {name}\b[^;{{]*\{{\n.*?^\}};", text, re.MULTILINE | re.DOTALL)
    return match and match[0]


def find_body(name, begin, text):
    match = re.search(rf"{begin}{re.escape(name)}\([^;{{]*\)[^;{{]*\{{", text, re.MULTILINE)
    if match is None:
        return None
    line = text.rfind("\n", 0, match.start()) + 1
    rest_of_line = text[match.end():text.index("\n", match.end())]
    if rest_of_line.endswith("}"):
        return rest_of_line
    indent = re.match(r" *", text[line:])[0]
    return text[match.end():text.index(f"\n{indent}}}", match.end())]


def python_body(function, text):
    """The definition of a function or method of a module of Python, or None."""
    found = ast.parse(text)
    for name in function.split("."):
        found = next((node for node in found.body if getattr(node, "name", None) == name), None)
        if found is None:
            return None
    return ast.get_source_segment(text, found)


def body(function, file):
    """What stands in the definition of a function, or None: "Class::name" or "name" at the beginning of a line of a .cpp
    file, or "name" inside of a class there; "name" anywhere in a header; "Class.name" or "name" in a module of Python."""
    text = file.read_text()
    if file.suffix == ".py":
        return python_body(function, text)
    scope, _, name = function.rpartition("::")
    if file.suffix == ".hpp":
        return find_body(name, IN_CLASS, text)
    found = find_body(function, r"^(?:[^\s#/}].*[ &*])?", text)
    if found is None and scope and (inside := class_text(scope, text)):
        found = find_body(name, IN_CLASS, inside)
    return found


def transitions(source):
    """The rows of a table of transitions, but for aborts: (from, event, to)."""
    rows = re.findall(r"Transition\{\w+State::k(\w+),\s*\w+Event::k(\w+),\s*\w+State::k(\w+)", source.read_text())
    return {row for row in rows if row[1] != "Abort"}


def arrows(diagram):
    return {(start, event, end) for start, end, event in re.findall(r"^ +(\w+) --> (\w+): (\w+)$", diagram, re.MULTILINE)}


def wrong_diagrams(text):
    """Yields (line, what is wrong) for each state diagram that is not the table of the file named before it."""
    for match in re.finditer(r"\(([^()]+\.hpp)\)(?:(?!```).)*?```mermaid\nstateDiagram-v2\n(.*?)```", text, re.DOTALL):
        line = text.count("\n", 0, match.start(2)) + 1
        drawn, meant = arrows(match[2]), transitions(PAGE.parent / match[1])
        for start, event, end in sorted(drawn ^ meant):
            where = "the table" if (start, event, end) in drawn else "the diagram"
            yield line, f"{match[1]}: {where} lacks {start} --> {end}: {event}"


def faults():
    """Yields (line, what is wrong)."""
    rooms = files_by_room()
    room, listed, walk = None, {}, []
    yield from wrong_diagrams(PAGE.read_text())
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        if line.startswith("#"):
            heading = ROOM.fullmatch(line)
            room, walk = heading and heading[1], []
            if room:
                listed[room] = set()
                if room not in rooms:
                    yield number, f"there is no room {room}"
        elif step := STEP.fullmatch(line):
            function, link, text = step.groups()
            file = (PAGE.parent / link).resolve()
            found = body(function, file) if file.is_file() else None
            if found is None:
                yield number, f"{link} does not define {function}"
            elif walk and not text.startswith("Later"):
                name = re.split(r"::|\.", function)[-1]
                if not any(re.search(rf"\b{name}\b", before) for before in walk):
                    yield number, f"no function before it calls {function}"
            walk.append(found or "")
        elif room and (row := ROW.fullmatch(line)):
            listed[room].add(row[1])
            if row[1] not in rooms.get(room, {}):
                yield number, f"{room} has no file {row[1]}"
    for room, files in rooms.items():
        if room == "include/c10k":
            continue
        if room not in listed:
            yield 1, f"{room} has no heading"
        for name in sorted(files.keys() - listed.get(room, files.keys())):
            yield 1, f"{files[name]} has no line"


def main():
    wrong = [f"{PAGE.relative_to(ROOT)}:{line}: {fault}" for line, fault in faults()]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{sum(map(len, files_by_room().values()))} files, {len(wrong)} things wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
