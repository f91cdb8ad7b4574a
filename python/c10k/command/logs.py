"""Python's logging, as the options want it."""

from __future__ import annotations

import argparse
import json
import logging
import logging.config
import pathlib

__all__ = ["configure"]


def configure(options: argparse.Namespace) -> None:
    """Sets up the loggers ``c10k`` (on standard error) and ``c10k.access`` (on standard output).

    Raises:
        OSError, ValueError, KeyError: the file of --log-config cannot be read, or is wrong.
    """
    level = logging.DEBUG if options.log_level == "trace" else options.log_level.upper()
    if options.log_config:
        _read(pathlib.Path(options.log_config))
    else:
        logging.config.dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
                "handlers": {
                    "error": {"class": "logging.StreamHandler", "formatter": "line"},
                    "access": {
                        "class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stdout",
                    },
                },
                "loggers": {
                    "c10k": {"handlers": ["error"], "propagate": False},
                    "c10k.access": {"handlers": ["access"], "propagate": False},
                },
            }
        )  # fmt: skip
    logging.getLogger("c10k").setLevel(level)


def _read(path: pathlib.Path) -> None:
    if path.suffix == ".json":
        logging.config.dictConfig(json.loads(path.read_text()))
    elif path.suffix in (".yaml", ".yml"):
        try:
            import yaml
        except ImportError:
            raise ValueError("it is YAML, which needs the package python3-yaml (PyYAML)") from None
        logging.config.dictConfig(yaml.safe_load(path.read_text()))
    else:
        path.open().close()  # fileConfig() says nothing of a file that is not there
        logging.config.fileConfig(path, disable_existing_loggers=False)
