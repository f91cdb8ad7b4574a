#!/usr/bin/python3
"""Checks that no file includes what its room may not know, and that a public header's functions are defined in the room that
owns it. Prints each arrow that points the wrong way."""

import functools
import re
import sys
from pathlib import Path

from includes import ROOT, includes

# Whom a room may know; what they may know, it may too.
ARROWS = {
    "base": [],
    "usage": ["base"],
    "http": ["base"],
    "wire": ["http"],
    "loop": ["base"],
    "task": ["loop"],
    "tls": ["task"],
    "http2": ["wire", "tls"],
    "connection": ["http2"],
    "server": ["connection"],
    "groups": ["connection"],
    "web": ["server", "groups"],
    "live": ["web"],
    "load": ["connection"],
    "manage": ["usage", "live", "load"],
    "testkit": ["groups", "web"],
    "tool": ["usage"],
}

# Whose the public headers are.
OWNERS = {
    "awaiter.hpp": "task",
    "blocking.hpp": "task",
    "body_reader.hpp": "server",
    "client.hpp": "connection",
    "close_code.hpp": "wire",
    "command_options.hpp": "manage",
    "completion.hpp": "task",
    "compression.hpp": "wire",
    "descriptor.hpp": "task",
    "embed.hpp": "web",
    "errors.hpp": "http",
    "faults.hpp": "testkit",
    "groups.hpp": "groups",
    "http.hpp": "http",
    "json.hpp": "http",
    "limits.hpp": "base",
    "load.hpp": "load",
    "manage.hpp": "manage",
    "message.hpp": "wire",
    "metrics.hpp": "web",
    "middleware.hpp": "web",
    "semaphore.hpp": "task",
    "server.hpp": "web",
    "services.hpp": "web",
    "app_setting.hpp": "web",
    "settings.hpp": "web",
    "simulation.hpp": "testkit",
    "spread.hpp": "manage",
    "static_files.hpp": "web",
    "task.hpp": "task",
    "templates.hpp": "web",
    "testkit.hpp": "testkit",
    "text.hpp": "base",
    "timer.hpp": "loop",
    "urls.hpp": "web",
    "values.hpp": "groups",
    "web.hpp": "web",
    "websocket.hpp": "connection",
    "websocket_handle.hpp": "connection",
    "internal/blocking_call.hpp": "loop",
    "internal/capture.hpp": "web",
    "internal/completion_state.hpp": "task",
    "internal/descriptor_events.hpp": "loop",
    "internal/encoded_frame.hpp": "wire",
    "internal/ends_with_view.hpp": "connection",
    "internal/function_call.hpp": "task",
    "internal/path.hpp": "web",
    "internal/frame_memory.hpp": "task",
    "internal/promise.hpp": "task",
    "internal/ready.hpp": "loop",
    "internal/require.hpp": "base",
    "internal/route_pattern.hpp": "web",
    "internal/timed_scope.hpp": "task",
    "internal/view_signature.hpp": "web",
}

# Defined in another room than the header's: files are streamed by web.
ELSEWHERE = {"Response::file": "web"}

CLASS = re.compile(r"^(?:template.*\n)?(?:class|struct) (?:\[\[nodiscard\]\] )?(\w+)[^;\n]*\{", re.MULTILINE)
DEFINITION = re.compile(r"^(?=\S)(?:[\w:<>,&*\[\] ]+[ &*])?(?:internal::)?((\w+)::~?\w+)\(", re.MULTILINE)

INTERNAL = ROOT / "include/c10k/internal"

# They see the library as a user does.
USERS = ("benchmarks", "demos", "examples", "tests/conformance", "tests/e2e")


def reach(room):
    """The room and all rooms that it may know."""
    return {room}.union(*(reach(known) for known in ARROWS[room]))


def place(file):
    """Where a file lives: (top folder, room); room is None outside the rooms."""
    path = file.relative_to(ROOT)
    match path.parts:
        case ("src", room, *_):
            return "src", room
        case ("include", "c10k", *rest):
            return "include", OWNERS.get("/".join(rest))
    return next((user for user in USERS if path.is_relative_to(user)), path.parts[0]), None


@functools.cache
def owners_of_classes():
    """The rooms of the classes that the public headers declare; the testkit's have a namespace of their own."""
    return {match[1]: room for header, room in OWNERS.items() if room != "testkit"
            for match in CLASS.finditer((ROOT / "include/c10k" / header).read_text())}


def definition_faults(file, room):
    """Yields (line number, what is wrong) for each definition of a public class's function in another room."""
    text = file.read_text()
    for match in DEFINITION.finditer(text) if file.suffix == ".cpp" and room != "testkit" else ():
        owner = ELSEWHERE.get(match[1]) or owners_of_classes().get(match[2], room)
        if owner != room:
            yield text.count("\n", 0, match.start()) + 1, f"{match[1]} is {owner}'s: define it there"


def faults(file):
    """Yields (line number, what is wrong) for one file."""
    top, room = place(file)
    if top == "include" and room is None:
        yield 1, "no room owns this header: add it to OWNERS in tools/check_arrows.py"
    elif top == "src" and room not in ARROWS:
        yield 1, f"{room} is no room: add it to ARROWS in tools/check_arrows.py"
    else:
        if top == "src":
            yield from definition_faults(file, room)
        for line, included in includes(file):
            their_top, their_room = place(included)
            name = included.relative_to(ROOT)
            if top in USERS and their_top not in ("include", top):
                yield line, f"{top} may include only include/c10k, not {name}"
            elif top in USERS and INTERNAL in included.parents:
                yield line, f"{name} is the library's own: users include what is in include/c10k"
            elif top == "include" and their_top != "include":
                yield line, f"a public header may include only public headers, not {name}"
            elif top in ("include", "src") and their_room in ARROWS and their_room not in reach(room):
                yield line, f"{room} may not know {their_room} ({name})"


def main():
    files = sorted(
        file
        for top in ("src", "include", *USERS)
        for file in (ROOT / top).rglob("*")
        if file.suffix in (".hpp", ".cpp") and not file.name.startswith(".")
    )
    wrong = [f"{file.relative_to(ROOT)}:{line}: {fault}" for file in files for line, fault in faults(file)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(files)} files, {len(wrong)} arrows the wrong way.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
