"""c10k: a very large number of WebSockets, in Python on an engine in C++."""

try:
    from _c10k import ConnectionClosed, Exchange, Handshake, WebSocket
except ImportError as error:
    from .missing import explain

    raise ImportError(explain(error), name="_c10k") from None

from .application import EngineApplication
from .groups import Group
from .loop import Runner, current_server

__all__ = ["ConnectionClosed", "EngineApplication", "Exchange", "Group", "Handshake", "Runner", "WebSocket", "current_server"]
__version__ = "0.1.0"
