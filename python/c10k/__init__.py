"""c10k: a very large number of WebSockets, in Python on an engine in C++."""

from _c10k import ConnectionClosed, Exchange, Handshake, WebSocket

from .application import EngineApplication
from .groups import Group
from .loop import Runner, current_server

__all__ = ["ConnectionClosed", "EngineApplication", "Exchange", "Group", "Handshake", "Runner", "WebSocket", "current_server"]
__version__ = "0.1.0"
