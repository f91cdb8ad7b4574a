"""What the public modules in Python declare, with their docstrings: the text of their reference pages. Nothing is imported."""

import ast
import dataclasses
import re
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[2] / "python"
CONF = PYTHON / "c10ktools/conf.py"
# Those whose names a project imports. docs/README.md has a line for each.
PUBLIC = {
    "c10k": PYTHON / "c10k/__init__.py",
    "c10k.asgi": PYTHON / "c10k/asgi.py",
    "c10k.testing": PYTHON / "c10k/testing.py",
    "c10ktools": PYTHON / "c10ktools/__init__.py",
    "c10ktools.http": PYTHON / "c10ktools/http/__init__.py",
    "c10ktools.sessions": PYTHON / "c10ktools/sessions.py",
    "c10ktools.testing": PYTHON / "c10ktools/testing/__init__.py",
    "c10ktools.conf": CONF,
    "_c10k": PYTHON / "_c10k-stubs/__init__.pyi",
}
ATTRIBUTE = re.compile(r"^ +#: (.+)\n(?: +#:.*\n)* +(?:self\.)?(\w+)(?:: ([^=\n]+?))?(?: = .*)?$", re.MULTILINE)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclasses.dataclass
class Entry:
    """A class, a function or an attribute that users may name."""

    name: str
    code: str  # its head
    docstring: str
    file: object
    node: object = None
    members: list = dataclasses.field(default_factory=list)


def _tree(file):
    return ast.parse(file.read_text())


def _statements(tree):
    """What a module or class has, also inside of an `if` or `try`."""
    for node in tree.body:
        if isinstance(node, (ast.If, ast.Try)):
            yield from _statements(node)
        else:
            yield node


def _exported(tree):
    """The names in __all__; without it, those of the classes and functions that are not private."""
    for node in _statements(tree):
        if isinstance(node, ast.Assign) and [getattr(each, "id", "") for each in node.targets] == ["__all__"]:
            return ast.literal_eval(node.value)
    return [node.name for node in _statements(tree)
            if isinstance(node, (ast.ClassDef, *FUNCTIONS)) and not node.name.startswith("_")]


def _source(file, node):
    """The file that `from ... import ...` names, if it is of this project."""
    if node.level == 0:
        parts = (node.module or "").split(".")
        if parts[0] not in ("c10k", "c10ktools", "_c10k"):
            return None
        base = PYTHON
        parts = ["_c10k-stubs" if each == "_c10k" else each for each in parts]
    else:
        base = file.parents[node.level - 1]
        parts = (node.module or "").split(".")
    path = base.joinpath(*parts)
    candidates = [path / "__init__.py", path / "__init__.pyi", path.with_suffix(".py")]
    return next((each for each in candidates if each.is_file()), None)


def _find(file, name):
    """Where a name is defined that a module has: the file, and the definitions (several if it is overloaded)."""
    found = []
    for node in _statements(_tree(file)):
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)) and node.name == name:
            found.append(node)
        elif isinstance(node, ast.ImportFrom) and any((each.asname or each.name) == name for each in node.names):
            if source := _source(file, node):
                original = next(each.name for each in node.names if (each.asname or each.name) == name)
                return _find(source, original)
    return file, found


def _decorators(node):
    return [ast.unparse(each) for each in node.decorator_list]


def is_property(node):
    return isinstance(node, FUNCTIONS) and any(each in ("property", "cached_property") for each in _decorators(node))


def is_public_member(node):
    """Whether users may call or read what a class has here: a setter and an overload have their docstring elsewhere."""
    return (isinstance(node, FUNCTIONS) and not node.name.startswith("_")
            and not any(each == "overload" or each.endswith(".setter") for each in _decorators(node)))


def head(node):
    """A definition without its body. A property reads like an attribute."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(each) for each in node.bases)
        bases = "" if bases.startswith(("Generic", "Protocol")) else bases
        return f"class {node.name}({bases})" if bases else f"class {node.name}"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    if is_property(node):
        return f"{node.name}: {returns.removeprefix(' -> ')}"
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    kind = "".join(f"@{each}\n" for each in _decorators(node) if each in ("classmethod", "staticmethod"))
    return f"{kind}{_call(f'{word} {node.name}', node.args)}{returns}"


def _call(name, arguments):
    """A function's name with its arguments, but for `self`: on several lines if one is too short."""
    taken = _arguments(arguments)
    line = f"{name}({', '.join(taken)})"
    return line if len(line) <= 100 else f"{name}(\n    " + ",\n    ".join(taken) + ",\n)"


def _arguments(given):
    """The arguments of a function as a caller reads them."""
    plain = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain) - len(given.defaults)) + given.defaults
    texts = [_argument(each, default) for each, default in zip(plain, defaults)]
    if given.posonlyargs:
        texts.insert(len(given.posonlyargs), "/")
    if given.vararg:
        texts.append("*" + _argument(given.vararg, None))
    elif given.kwonlyargs:
        texts.append("*")
    texts += [_argument(each, default) for each, default in zip(given.kwonlyargs, given.kw_defaults)]
    if given.kwarg:
        texts.append("**" + _argument(given.kwarg, None))
    if texts and texts[0] in ("self", "cls"):
        del texts[0:2 if texts[1:2] == ["/"] else 1]
    return texts


def _argument(argument, default):
    hint = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
    if default is None:
        return argument.arg + hint
    return f"{argument.arg}{hint} = {ast.unparse(default)}" if hint else f"{argument.arg}={ast.unparse(default)}"


def _docstring(node):
    return ast.get_docstring(node) or ""


def _members(file, node):
    yield from (Entry(made.name, head(made), _docstring(made), file, made)
                for made in node.body if is_public_member(made))
    text = ast.get_source_segment(file.read_text(), node, padded=True)
    for match in ATTRIBUTE.finditer(text):
        if not match[2].startswith("_"):
            code = f"{match[2]}: {match[3]}" if match[3] else match[2]
            yield Entry(match[2], code, re.sub(r"\n +#: ?", "\n", match[0].partition("#: ")[2]).rpartition("\n")[0], file)


def is_exception(node):
    return any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases)


def _class(node):
    """A class with what it takes, unless the library makes its objects: then the docstring of __init__() says which part does."""
    made = next((each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"), None)
    if made is None or is_exception(node) or "makes it" in _docstring(made):
        return head(node)
    return f"{head(node)}\n\n{_call(node.name, made.args)}"


def entry(file, name):
    """What a public module has under that name. Raises ValueError if it is not defined in this project."""
    where, found = _find(file, name)
    if not found:
        raise ValueError(f"{file}: {name} is defined nowhere in the project")
    node = found[-1]
    if isinstance(node, ast.ClassDef):
        return Entry(name, _class(node), _docstring(node), where, node, list(_members(where, node)))
    heads = [head(each) for each in (found[:-1] or found)]  # an overloaded function has its types there
    return Entry(name, "\n".join(heads), _docstring(node), where, node)


def documented(file):
    """The docstring of a public module, and an Entry for each of its names."""
    tree = _tree(file)
    return _docstring(tree), [entry(file, name) for name in _exported(tree)]


def settings():
    """Yields (name, default, meaning, what it must be) of each setting of c10ktools."""
    (table,) = (node.value for node in _statements(_tree(CONF))
                if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "SETTINGS")
    for key, made in zip(table.keys, table.values):
        kind, arguments = ast.unparse(made.func), made.args
        must_be = {"_count": "a whole number of at least 1", "_seconds": "seconds above 0"}.get(kind)
        if must_be is None:
            must_be = arguments[2].value if isinstance(arguments[2], ast.Constant) else "'close', 'drop_oldest' or 'drop_newest'"
        yield key.value, ast.unparse(arguments[0]), arguments[1].value, must_be
