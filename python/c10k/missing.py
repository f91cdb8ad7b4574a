"""Says why the extension ``_c10k`` cannot be loaded. It imports nothing of c10k, which needs that."""

from __future__ import annotations

import pathlib
import platform
import sys
from importlib.machinery import EXTENSION_SUFFIXES

__all__ = ["explain"]


def explain(error: ImportError) -> str:
    """A sentence that says what to do.

    Args:
        error: of ``import _c10k``.

    Example::

        >>> explain(ModuleNotFoundError("No module named '_c10k'", name="_c10k"))
        "The engine of c10k is not installed for this Python, 3.11.2 (/usr/bin/python3)."
    """
    this = f"this Python, {platform.python_version()} ({sys.executable})"
    if not isinstance(error, ModuleNotFoundError):
        return f"The engine of c10k cannot be loaded: {error}"
    for folder in sys.path:
        for file in pathlib.Path(folder or ".").glob("_c10k.*so"):
            if file.name.removeprefix("_c10k") not in EXTENSION_SUFFIXES:
                return f"The engine of c10k is built for another Python ({file}). Install c10k with {this}."
    return f"The engine of c10k is not installed for {this}."
