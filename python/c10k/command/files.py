"""Finds out that a source file has changed."""

from __future__ import annotations

import os

__all__ = ["Watched"]

# Folders that hold no source of the project.
IGNORED = {"__pycache__", "node_modules", "site-packages", "dist-packages"}


class Watched:
    """The .py files in folders.

    Example::

        files = Watched(["."])
        while not (name := files.changed()):
            time.sleep(files.interval)
    """

    #: Seconds between two looks.
    interval = 0.5

    def __init__(self, folders: list[str]) -> None:
        self.folders = list(dict.fromkeys(os.path.abspath(folder) for folder in folders))
        self._times = self._look()

    def changed(self) -> str | None:
        """The name of a file that is new, gone or written since the last call."""
        before, self._times = self._times, self._look()
        for name in before.keys() | self._times.keys():
            if before.get(name) != self._times.get(name):
                return os.path.relpath(name)
        return None

    def _look(self) -> dict[str, int]:
        times: dict[str, int] = {}
        folders = list(self.folders)
        while folders:
            try:
                with os.scandir(folders.pop()) as entries:
                    for entry in entries:
                        if entry.name.startswith(".") or entry.name in IGNORED:
                            continue
                        if entry.is_dir():
                            if not entry.is_symlink():
                                folders.append(entry.path)
                        elif entry.name.endswith(".py"):
                            times[entry.path] = entry.stat().st_mtime_ns
            except OSError:  # it has just gone
                continue
        return times
