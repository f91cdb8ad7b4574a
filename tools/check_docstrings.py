#!/usr/bin/python3
"""Checks the docstrings of the public modules in Python, which become reference pages: each module, name and member has one; it
names each exception that a `raise` in its function has; and a class or function has an example, its own or a member's. Of the
extension, only what c10k has as well needs one. mypy checks that each argument has a type.
"""

import ast
import sys

from docs import modules

EXAMPLE = ("Example", "\n    ")  # a section, or indented code


def raised(node):
    """The names of the exceptions that a function raises itself."""
    waiting = list(node.body)
    while waiting:
        each = waiting.pop()
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if isinstance(each, ast.Raise) and isinstance(each.exc, ast.Call):
            yield ast.unparse(each.exc.func).rpartition(".")[2]
        waiting += ast.iter_child_nodes(each)


def functions(entry):
    """Yields (name, definition, docstrings that may speak of it)."""
    if isinstance(entry.node, modules.FUNCTIONS):
        yield entry.name, entry.node, entry.docstring
    elif entry.node is not None:
        for made in entry.node.body:
            if isinstance(made, modules.FUNCTIONS) and (made.name == "__init__" or modules.is_public_member(made)):
                said = f"{entry.docstring}\n{ast.get_docstring(made) or ''}"
                yield f"{entry.name}.{made.name}", made, said


def has_example(entry):
    texts = [entry.docstring, *(member.docstring for member in entry.members)]
    return any(sign in text for text in texts for sign in EXAMPLE)


def faults(entry, must_have_example):
    """Yields (line, what is wrong) with what a module has under a name."""
    if not entry.docstring:
        yield entry.node.lineno, f"{entry.name} has no docstring"
    for member in entry.members:
        if not member.docstring:
            yield member.node.lineno, f"{entry.name}.{member.name} has no docstring"
    for name, node, said in functions(entry):
        for exception in sorted(set(raised(node))):
            if exception not in said and exception != "NotImplementedError":
                yield node.lineno, f"the docstring of {name} does not say that it raises {exception}"
    if must_have_example and not has_example(entry) and not (isinstance(entry.node, ast.ClassDef) and modules.is_exception(entry.node)):
        yield entry.node.lineno, f"{entry.name} has no example"


def main():
    wrong, names = set(), 0
    for name, file in modules.PUBLIC.items():
        docstring, entries = modules.documented(file)
        names += len(entries)
        if not docstring:
            wrong.add(f"{file.relative_to(modules.PYTHON.parent)}:1: {name} has no docstring")
        for entry in entries:
            place = entry.file.relative_to(modules.PYTHON.parent)
            wrong |= {f"{place}:{line}: {fault}" for line, fault in faults(entry, must_have_example=name != "_c10k")}
    print(*sorted(wrong), sep="\n", end="\n" if wrong else "")
    print(f"{len(modules.PUBLIC)} modules, {names} names, {len(wrong)} things wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
