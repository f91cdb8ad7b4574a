"""System checks: what ``manage.py check`` and ``runserver`` say about a project that uses c10ktools."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Error, Warning

from . import conf


def check_installed_apps(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The order of INSTALLED_APPS: of several apps with a command ``runserver``, Django takes the first one's."""
    names = [config.name for config in apps.get_app_configs()]
    if "c10ktools" not in names:
        return []
    above = names[: names.index("c10ktools")]
    found: list[CheckMessage] = []
    if "django.contrib.staticfiles" in above:
        found.append(
            Error(
                "'c10ktools' stands below 'django.contrib.staticfiles' in INSTALLED_APPS, whose runserver has no"
                " WebSockets.",
                hint="Move 'c10ktools' above 'django.contrib.staticfiles'.",
                id="c10ktools.E001",
            )
        )
    for name in ("daphne", "channels"):
        if name in names and _has_runserver(name):
            wins, loses = (name, "c10ktools") if name in above else ("c10ktools", name)
            found.append(
                Warning(
                    f"'{name}' and 'c10ktools' both bring a runserver. That of '{wins}' is in force.",
                    hint=f"Remove '{loses}' from INSTALLED_APPS, or put the one that you want first."
                    + (" Without 'daphne', consumers of Channels run on c10k as well." if wins == name else ""),
                    id="c10ktools.W001",
                )
            )
    return found


def _has_runserver(app: str) -> bool:
    """Whether an app has such a command, as daphne and Channels before 4 do."""
    try:
        return importlib.util.find_spec(f"{app}.management.commands.runserver") is not None
    except ImportError:
        return False


def check_settings(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The settings ``C10K_...``: their values, names that are none, and what the engine says of ``C10K_ENGINE``."""
    found: list[CheckMessage] = []
    for name in dir(settings):
        if not name.startswith("C10K_"):
            continue
        value = getattr(settings, name)
        if name not in conf.SETTINGS:
            close = difflib.get_close_matches(name, conf.SETTINGS, n=1)
            found.append(
                Warning(
                    f"There is no setting {name}.",
                    hint=f"Did you mean {close[0]}?" if close else "c10ktools.conf lists all of them.",
                    id="c10ktools.W002",
                )
            )
        elif not conf.SETTINGS[name].fits(value):
            must_be = conf.SETTINGS[name].must_be
            found.append(Error(f"{name} must be {must_be}, not {value!r}.", id="c10ktools.E002"))
        elif name == "C10K_ENGINE":
            found += [Error(f"C10K_ENGINE: {problem}.", id="c10ktools.E004") for problem in _problems_of_the_engine()]
    return found


def _problems_of_the_engine() -> list[str]:
    try:
        from _c10k import Server

        Server.check_settings(conf.engine_settings())
    except ImportError:  # another check says so
        return []
    except ValueError as error:
        return [line.removeprefix("settings: ") for line in str(error).splitlines()]
    return []


def require_right_settings() -> None:
    """Raises ValueError with what check_settings() calls an error: servers other than runserver run no checks."""
    errors = [each.msg for each in check_settings() if each.level >= ERROR]
    if errors:
        raise ValueError("\n".join(errors))


def check_applications(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """ASGI_APPLICATION and WSGI_APPLICATION: the dotted path of something in a module that exists."""
    found: list[CheckMessage] = []
    for name in ("ASGI_APPLICATION", "WSGI_APPLICATION"):
        value = getattr(settings, name, None)
        if value is None:
            continue
        example = f"{name} = \"mysite.{name[:4].lower()}.application\""
        if not isinstance(value, str) or "." not in value:
            found.append(Error(f"{name} must be a dotted path, not {value!r}.", hint=example, id="c10ktools.E003"))
            continue
        module = value.rpartition(".")[0]
        try:
            exists = importlib.util.find_spec(module) is not None
        except ImportError:
            exists = False
        if not exists:
            found.append(Error(f"{name}: there is no module {module!r}.", hint=example, id="c10ktools.E003"))
    return found


def check_extension(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The engine: without it, tests run, but no server."""
    try:
        importlib.import_module("c10k")
    except ImportError as error:
        return [
            Warning(
                str(error),
                hint="Tests with WebSocketClient do without it; runserver does not.",
                id="c10ktools.W003",
            )
        ]
    return []
