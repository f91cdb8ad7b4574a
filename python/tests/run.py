#!/usr/bin/python3
"""Runs the tests of the Python packages that need Django, with Django's test runner.

    python/tests/run.py                                all of them
    python/tests/run.py test_pitfalls -k language      some of them
    python/tests/run.py --help

The packages are those of PYTHONPATH, else those beside this folder.
"""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent


def main() -> None:
    for folder in (HERE.parent, HERE):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    from django.core.management import execute_from_command_line

    arguments = sys.argv[1:]
    labels = any(not argument.startswith("-") for argument in arguments[:1])
    os.chdir(HERE)
    execute_from_command_line([sys.argv[0], "test", *([] if labels else ["."]), *arguments])


if __name__ == "__main__":
    main()
