"""The type hints: what mypy says of the packages, of the stub of the extension, and of code that uses them.

``types_test.py --fix`` copies the docstrings of the built extension into its stub.
"""

from __future__ import annotations

import ast
import inspect
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterator

import _c10k

PYTHON = pathlib.Path(__file__).resolve().parent.parent
STUB = PYTHON / "_c10k-stubs/__init__.pyi"
MYPY, STUBTEST = "/usr/bin/mypy", "/usr/bin/stubtest"
SKIPPED = 77

Documented = ast.ClassDef | ast.FunctionDef


def setUpModule() -> None:
    global cache
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    cache = folder.name


def run(*command: str | pathlib.Path, **environment: str | pathlib.Path) -> str:
    """What a checker says that finds the packages as if they were installed. Empty if all is well."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cache,
                          env={**os.environ, "MYPY_CACHE_DIR": cache, **environment})
    return done.stdout + done.stderr if done.returncode else ""


def mypy(*arguments: str | pathlib.Path) -> str:
    return run(MYPY, "--config-file", PYTHON / "pyproject.toml", *arguments)


def untyped(*files: pathlib.Path, project: pathlib.Path) -> str:
    """What mypy says of code without hints, inside of whose functions it looks all the same."""
    return run(MYPY, "--config-file=", "--check-untyped-defs", "--ignore-missing-imports", *files, MYPYPATH=project)


def documented(tree: ast.Module) -> Iterator[tuple[Documented, object]]:
    """Yields each class, method and attribute of the stub with the one of the extension."""
    for made in tree.body:
        if isinstance(made, ast.ClassDef) and (found := getattr(_c10k, made.name, None)) is not None:
            yield made, found
            for member in made.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("__") and not is_setter(member):
                    yield member, inspect.getattr_static(found, member.name)


def is_setter(function: ast.FunctionDef) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr == "setter" for each in function.decorator_list)


def docstring(found: object) -> str:
    found = found.__func__ if isinstance(found, staticmethod) else found
    return inspect.cleandoc(getattr(found, "__doc__", None) or "")


def fix() -> None:
    """Writes the stub with the docstrings of the extension."""
    lines = STUB.read_text().splitlines()
    for node, found in reversed(list(documented(ast.parse(STUB.read_text())))):
        first = node.body[0]
        indent = " " * (node.col_offset + 4)
        text = docstring(found).splitlines()
        if len(text) > 1:
            text.append("")
        quoted = "\n".join([f'"""{text[0]}', *(f"{indent}{line}".rstrip() for line in text[1:-1]), f'{indent}"""']
                           if len(text) > 1 else [f'"""{text[0]}"""'])
        is_old = ast.get_docstring(node) is not None
        if isinstance(first, ast.Expr) and (is_old or isinstance(node, ast.FunctionDef) or len(node.body) == 1):
            head = lines[first.lineno - 1][: first.col_offset].rstrip()
            lines[first.lineno - 1 : first.end_lineno] = [*([head] if head else []), f"{indent}{quoted}"]
        else:
            start = min([first.lineno, *(each.lineno for each in getattr(first, "decorator_list", []))])
            lines.insert(start - 1, f"{indent}{quoted}")
    STUB.write_text("\n".join(lines) + "\n")


class Packages(unittest.TestCase):
    def test_have_hints_that_mypy_finds_consistent(self) -> None:
        self.assertEqual(mypy("-p", "c10k", "-p", "c10ktools"), "")


class Stub(unittest.TestCase):
    def test_has_what_the_extension_has(self) -> None:
        self.assertEqual(run(STUBTEST, "_c10k"), "")

    def test_has_the_docstrings_of_the_extension(self) -> None:
        for node, found in documented(ast.parse(STUB.read_text())):
            with self.subTest(found=found):
                self.assertEqual(ast.get_docstring(node) or "", docstring(found), "run types_test.py --fix")
                self.assertTrue(docstring(found))


class Users(unittest.TestCase):
    """The code of this project's users: its examples, its pages, and code that asks mypy what it has inferred."""

    def test_get_the_types_that_they_expect(self) -> None:
        self.assertEqual(mypy(PYTHON / "tests/typed_views.py"), "")

    def test_hear_of_their_mistakes(self) -> None:
        source = (PYTHON / "tests/typed_mistakes.py").read_text()
        said = mypy(PYTHON / "tests/typed_mistakes.py")
        found = re.findall(r"typed_mistakes\.py:(\d+): error: .*\[([\w-]+)\]$", said, re.MULTILINE)
        expected = [
            (str(number), kind)
            for number, line in enumerate(source.splitlines(), 1)
            for kind in line.partition("  # mypy: ")[2].split(", ")
            if kind
        ]
        self.assertEqual(found, expected, said)

    def test_may_copy_the_examples(self) -> None:
        for project in (*(PYTHON / "examples").iterdir(), PYTHON / "demo"):
            with self.subTest(project=project.name):
                self.assertEqual(untyped(*project.glob("[!.]*.py"), project=project), "")

    def test_may_copy_the_snippets_of_the_pages(self) -> None:
        # Others are copies of files.
        snippets = [
            (page, text)
            for page in [PYTHON.parent / "README.md", *(PYTHON.parent / "docs").rglob("[!.]*.md")]
            for text in re.findall(r"(?<!-->\n)^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        ]
        self.assertTrue(snippets)
        with tempfile.TemporaryDirectory() as folder:
            for number, (page, text) in enumerate(snippets):
                pathlib.Path(folder, f"{page.stem.replace('-', '_')}_{number}.py").write_text(text)
            self.assertEqual(untyped(*pathlib.Path(folder).iterdir(), project=PYTHON / "examples/chat"), "")


if __name__ == "__main__":
    if not os.path.exists(MYPY):
        print("there is no mypy: apt-get install mypy")
        sys.exit(SKIPPED)
    if sys.argv[1:] == ["--fix"]:
        fix()
    else:
        unittest.main(verbosity=2)
