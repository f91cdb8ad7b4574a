"""Finds the application that a command line names."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from typing import Any

__all__ = ["AppNotFound", "load"]


class AppNotFound(Exception):
    """There is no such application. The text says what to do."""


def load(name: str, *, folder: str = ".", is_factory: bool = False) -> Any:
    """The application that ``name`` says.

    Args:
        name: "module:attribute"; the attribute may have dots.
        folder: where the module is looked for first.
        is_factory: whether the attribute is a function that makes the application.

    Raises:
        AppNotFound: it is not there, or no ASGI application.

    Example::

        >>> load("mysite.asgi:application")
        <django.core.handlers.asgi.ASGIHandler object at 0x7f...>
    """
    path = os.path.abspath(folder)
    if path not in sys.path:
        sys.path.insert(0, path)
    module_name, colon, attributes = name.partition(":")
    if not module_name or (colon and not attributes):
        raise AppNotFound(f"{name!r} is not MODULE:ATTRIBUTE, such as mysite.asgi:application.")
    module = _import(module_name, path)
    if not colon:
        raise AppNotFound(f"{name!r} has no attribute behind it.{_suggestion(module)}")
    app: Any = module
    for attribute in attributes.split("."):
        try:
            app = getattr(app, attribute)
        except AttributeError:
            raise AppNotFound(f"The module {module_name!r} has no {attributes!r}.{_suggestion(module)}") from None
    if is_factory:
        app = _make(app, name)
    _check(app, name, is_factory)
    return app


def _import(module_name: str, path: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name + ".").startswith(error.name + "."):
            hint = (
                " Start c10k in the folder that has it (with Django: that of manage.py), or name that folder with "
                "--app-dir."
            )
            if module_name.endswith(".py") or "/" in module_name:
                hint = f" Write a module, not a file: {module_name.removesuffix('.py').replace('/', '.')}:app."
            raise AppNotFound(
                f"There is no module {error.name!r} in {path}.{hint}"
            ) from None
        traceback.print_exc()
        raise AppNotFound(
            f"The module {module_name!r} needs {error.name!r}, which is not installed for {sys.executable}."
        ) from None
    except Exception as error:
        traceback.print_exc()
        raise AppNotFound(
            f"The module {module_name!r} raised {type(error).__name__} while it was imported: see the traceback above."
        ) from None


def _suggestion(module: Any) -> str:
    found = [name for name in ("application", "app") if callable(getattr(module, name, None))]
    found += [
        name
        for name, value in vars(module).items()
        if name not in found and inspect.iscoroutinefunction(value) and len(inspect.signature(value).parameters) == 3
    ]
    names = " or ".join(f"{module.__name__}:{name}" for name in found)
    return f" Try {names}." if found else " Which of its names is the application? Say it as MODULE:ATTRIBUTE."


def _make(factory: Any, name: str) -> Any:
    if not callable(factory):
        raise AppNotFound(f"{name!r} is no function: leave out --factory.")
    try:
        return factory()
    except Exception as error:
        traceback.print_exc()
        raise AppNotFound(f"The factory {name!r} raised {type(error).__name__}: see the traceback above.") from None


def _check(app: Any, name: str, is_factory: bool) -> None:
    if not callable(app):
        raise AppNotFound(f"{name!r} is {type(app).__name__}, which cannot be called: no ASGI application.")
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):  # it is written in C
        return
    if any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters):
        return
    wanted = [each for each in parameters if each.default is each.empty]
    if not wanted and len(parameters) < 3 and not is_factory:
        raise AppNotFound(f"{name!r} takes no arguments: if it makes the application, add --factory.")
    if len(wanted) == 2:
        raise AppNotFound(
            f"{name!r} takes two arguments, as a WSGI application does, and c10k serves ASGI. Django has both: "
            f"mysite.asgi:application."
        )
    if len(wanted) == 1:
        raise AppNotFound(
            f"{name!r} takes one argument, as an ASGI 2 application does: asgiref.compatibility makes it ASGI 3."
        )
