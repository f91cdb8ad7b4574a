"""docs/conformance.md."""


def combinations():
    """Role, backend and whether over TLS: one column each."""
    return [(role, backend, tls) for tls in (False, True) for role in ("server", "client")
            for backend in ("epoll", "io_uring")]


def name(role, backend, tls):
    return f"{role}, {backend}{', TLS' if tls else ''}"
