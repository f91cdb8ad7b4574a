"""The command line: uvicorn's names for what both have."""

from __future__ import annotations

import argparse
import difflib
import ipaddress
import os
from typing import Any, NoReturn

__all__ = ["engine_settings", "parse"]

EPILOG = """\
examples:
  python3 -m c10k mysite.asgi:application                     a Django project, in the folder of manage.py
  python3 -m c10k main:app --reload                           while you write it
  python3 -m c10k main:app --host 0.0.0.0 --workers 4         for everybody, on four cores
  python3 -m c10k main:app --uds /run/mysite.sock             behind nginx
  python3 -m c10k main:app --set max_body_bytes=100MiB        any setting of the engine, as in c10k.conf

signals, to the process that was started:
  SIGTERM, SIGINT   ends; WebSockets are closed with 1001. A second one ends at once
  SIGHUP            with --workers or --reload: starts the workers anew, one after another, and refuses nobody

exit status: 0 ended as asked, 1 could not serve, 2 wrong options, 3 the application failed to start
"""

# Options of uvicorn that have no meaning here, and why.
UNKNOWN_HERE = {
    "--loop": "asyncio's loop sleeps in c10k's own",
    "--http": "c10k has one HTTP implementation, its own",
    "--ws": "c10k has one WebSocket implementation, its own",
    "--ws-max-queue": "messages wait in bytes, not in number: --set inbox_bytes=64KiB",
    "--h11-max-incomplete-event-size": "the limit of a request's head is --set max_head_bytes=16KiB",
    "--limit-max-requests": "workers are not replaced by count; SIGHUP starts them anew",
    "--limit-max-requests-jitter": "workers are not replaced by count; SIGHUP starts them anew",
    "--timeout-worker-healthcheck": "a worker that ends is started again",
    "--reset-contextvars": "each request has a context of its own anyhow",
    "--reload-include": "all .py files of --reload-dir are watched",
    "--reload-exclude": "all .py files of --reload-dir are watched",
    "--reload-delay": "files are looked at twice a second",
    "--ssl-context-factory": "--ssl-certfile and --ssl-keyfile name the files",
    "--ssl-keyfile-password": "the key file must not be encrypted; protect it by its owner and mode",
    "--ssl-version": "TLS 1.2 and 1.3 are spoken",
    "--ssl-cert-reqs": "client certificates are a task for a proxy in front",
    "--ssl-ca-certs": "client certificates are a task for a proxy in front",
    "--ssl-ciphers": "the ciphers are OpenSSL's secure ones",
    "--header": "the application adds headers",
    "--server-header": "there is no Server header",
    "--no-server-header": "there is no Server header anyhow",
    "--date-header": "answers have a Date anyhow",
    "--no-date-header": "answers have a Date (RFC 9110, 6.6.1)",
    "--use-colors": "logs have no colours",
    "--no-use-colors": "logs have no colours anyhow",
}  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"c10k: error: {message}\nAll options: python3 -m c10k --help\n")


def _number(least: float, most: float, kind: type = int) -> Any:
    def convert(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return value

    return convert


def _truth(text: str) -> bool:
    if text.lower() in ("true", "yes", "on", "1"):
        return True
    if text.lower() in ("false", "no", "off", "0"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, such as max_body_bytes=100MiB")
    return name.strip(), value.strip()


def _parser() -> argparse.ArgumentParser:
    from .. import __version__

    parser = _Parser(
        prog="python3 -m c10k",
        usage="python3 -m c10k MODULE:ATTRIBUTE [options]",
        description="Serves an ASGI application: pages and a very large number of WebSockets.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("app", metavar="MODULE:ATTRIBUTE", help="the ASGI application, such as mysite.asgi:application")
    add("--version", action="version", version=f"c10k {__version__}")
    add("--factory", action="store_true", help="ATTRIBUTE is a function that makes the application")
    add("--app-dir", default=".", metavar="FOLDER", help="where MODULE is looked for (default: this folder)")
    add("--interface", choices=("auto", "asgi3"), default="auto", help="what the application speaks: ASGI 3")
    add("--env-file", metavar="FILE", help="lines NAME=VALUE for the environment; what is set already stays")

    where = parser.add_argument_group("where to listen").add_argument
    where(
        "--host", default="127.0.0.1", help="an address or a name; 0.0.0.0 or :: for everybody (default: %(default)s)"
    )
    where("--port", type=_number(0, 65535), default=8000, help="0 takes any that is free (default: %(default)s)")
    where("--uds", metavar="PATH", help="a unix socket instead")
    where(
        "--fd", type=_number(0, 1 << 20), help="a listening socket that the starter has opened instead, as systemd does"
    )
    where(
        "--backlog", type=_number(1, 65535), default=4096,
        help="connections that wait in the kernel (default: %(default)s)",
    )
    where("--ssl-certfile", metavar="FILE", help="PEM: the certificate with its chain; then the port speaks TLS only")
    where("--ssl-keyfile", metavar="FILE", help="PEM: its key, if --ssl-certfile does not have it as well")

    run = parser.add_argument_group("processes").add_argument
    run("--workers", type=_number(1, 256), help="processes on one port (default: $WEB_CONCURRENCY, or 1)")
    run("--reload", action="store_true", help="start anew when a .py file changes; connections wait meanwhile")
    run(
        "--reload-dir", action="append", default=[], metavar="FOLDER",
        help="watch this instead of --app-dir; may be repeated",
    )
    run(
        "--timeout-graceful-shutdown", type=_number(0.001, 3600, float), metavar="SECONDS",
        help="how long requests and WebSockets may take to end; then they are cut",
    )  # fmt: skip

    app = parser.add_argument_group("the application").add_argument
    app(
        "--lifespan", choices=("auto", "on", "off"), default="auto",
        help="whether it has startup and shutdown (default: auto)",
    )
    app(
        "--root-path", default="", metavar="PATH",
        help="where a proxy has mounted it; requests come without this prefix",
    )
    app(
        "--proxy-headers", action=argparse.BooleanOptionalAction, default=True,
        help="believe X-Forwarded-For and X-Forwarded-Proto of --forwarded-allow-ips (default: yes)",
    )  # fmt: skip
    app(
        "--forwarded-allow-ips", metavar="LIST",
        help="addresses and networks with commas between, or * (default: $FORWARDED_ALLOW_IPS, or 127.0.0.1; --uds "
        "trusts its clients)",
    )  # fmt: skip

    limits = parser.add_argument_group("limits").add_argument
    limits("--limit-concurrency", type=_number(1, 1 << 31), metavar="N", help="connections of a worker; others get 503")
    limits("--timeout-keep-alive", type=_number(0.001, 3600, float), metavar="SECONDS", help="between two requests")
    limits("--ws-max-size", type=_number(1, 1 << 30), metavar="BYTES", help="a larger message is closed with 1009")
    limits("--ws-ping-interval", type=_number(1, 3600, float), metavar="SECONDS", help="silence before a ping")
    limits(
        "--ws-ping-timeout", type=_number(1, 3600, float), metavar="SECONDS", help="silence after it, then it is gone"
    )
    limits(
        "--ws-per-message-deflate", type=_truth, metavar="BOOL",
        help="compress messages (default: false; it costs several times the CPU of everything else)",
    )  # fmt: skip
    limits(
        "--set", type=_setting, action="append", default=[], metavar="NAME=VALUE",
        help="any setting of the engine, as in c10k.conf; may be repeated",
    )  # fmt: skip

    logs = parser.add_argument_group("logs").add_argument
    levels = ("critical", "error", "warning", "info", "debug", "trace")
    logs(
        "--log-level", type=str.lower, choices=levels, default="info", help="of the loggers c10k and c10k.access (default: %(default)s)"
    )
    logs("--log-config", metavar="FILE", help="configures Python's logging: .json, .yaml (a dictConfig) or .ini")
    logs(
        "--access-log", action=argparse.BooleanOptionalAction, default=True,
        help="a line for each request (default: yes)",
    )
    return parser


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options of a command line. Exits with 2 and says what to do if they are wrong."""
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    for each in unknown:
        name = each.partition("=")[0]
        if name in UNKNOWN_HERE:
            parser.error(f"leave {name} out: {UNKNOWN_HERE[name]}")
    if unknown:
        parser.error(_explain_unknown(unknown[0], parser))
    for option, folders in (("--app-dir", [options.app_dir]), ("--reload-dir", options.reload_dir)):
        for folder in folders:
            if not os.path.isdir(folder):
                parser.error(f"{option}: there is no folder {folder}")
    #: The variables that are from --env-file: a worker reads it again.
    options.environment = _read_environment(parser, options.env_file) if options.env_file else []
    if options.forwarded_allow_ips is None:
        options.forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS")
    if options.workers is None:
        try:
            options.workers = 1 if options.reload else _number(1, 256)(os.environ.get("WEB_CONCURRENCY") or "1")
        except argparse.ArgumentTypeError as error:
            parser.error(f"$WEB_CONCURRENCY: {error}")
    elif options.reload and options.workers > 1:
        parser.error("--reload is for one worker: leave out --workers while you write, and --reload in production")
    if options.uds is not None and options.fd is not None:
        parser.error("--uds and --fd exclude each other")
    if options.ssl_keyfile and not options.ssl_certfile:
        parser.error("--ssl-keyfile needs --ssl-certfile: the certificate that belongs to the key")
    for name in _names(options.forwarded_allow_ips or ""):
        try:
            if name not in ("*", "unix:"):
                ipaddress.ip_network(name, strict=False)
        except ValueError:
            parser.error(f"--forwarded-allow-ips: {name!r} is neither an address nor a network nor *")
    if options.root_path:
        options.root_path = "/" + options.root_path.strip("/")
    return options


def _explain_unknown(text: str, parser: argparse.ArgumentParser) -> str:
    if not text.startswith("-"):
        return f"{text!r} belongs to no option"
    close = difflib.get_close_matches(text.partition("=")[0], parser._option_string_actions, n=1)
    return f"there is no option {text}" + (f": did you mean {close[0]}?" if close else "")


def _read_environment(parser: argparse.ArgumentParser, name: str) -> list[str]:
    """Sets the variables of a file that are not set yet, and returns their names."""
    found: list[str] = []
    try:
        with open(name, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                line = line.strip().removeprefix("export ").lstrip()
                if not line or line.startswith("#"):
                    continue
                key, equals, value = line.partition("=")
                key, value = key.strip(), value.strip()
                if not equals or not key.isidentifier():
                    parser.error(f"--env-file: line {number} of {name} is not NAME=VALUE")
                if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
                    value = value[1:-1]
                if key not in os.environ:
                    os.environ[key] = value
                    found.append(key)
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"--env-file: cannot read {name}: {getattr(error, 'strerror', None) or error}")
    return found


def engine_settings(options: argparse.Namespace) -> dict[str, str]:
    """The settings of the engine that the options mean."""
    settings: dict[str, str] = {}
    if options.ssl_certfile:
        settings["tls_certificate"] = options.ssl_certfile
        settings["tls_key"] = options.ssl_keyfile or options.ssl_certfile
    if options.proxy_headers:
        settings["trusted_proxies"] = _trusted_proxies(options)
    for option, setting in SETTINGS.items():
        value = getattr(options, option)
        if isinstance(value, bool):
            settings[setting] = "true" if value else "false"
        elif isinstance(value, float):
            settings[setting] = f"{max(1, round(value * 1000))}ms"
        elif value is not None:
            settings[setting] = str(value)
    settings.update(options.set)
    return settings


# Options, and the settings that they are.
SETTINGS = {
    "limit_concurrency": "max_connections",
    "timeout_keep_alive": "idle_time",
    "timeout_graceful_shutdown": "shutdown_time",
    "ws_max_size": "max_message_bytes",
    "ws_ping_interval": "ping_interval",
    "ws_ping_timeout": "ping_timeout",
    "ws_per_message_deflate": "compression",
}


def _trusted_proxies(options: argparse.Namespace) -> str:
    listed = options.forwarded_allow_ips
    if listed is None:
        return "127.0.0.1, unix:" if options.uds else "127.0.0.1"
    names = _names(listed)
    return "0.0.0.0/0, ::/0, unix:" if "*" in names else ", ".join(names)


def _names(listed: str) -> list[str]:
    return listed.replace(",", " ").split()
