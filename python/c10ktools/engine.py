"""What c10ktools takes from the engine's extension, if it is there. Tests with ``WebSocketClient`` run without it."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("_c10k"):
    from _c10k import ConnectionClosed
else:

    class ConnectionClosed(ConnectionError):  # type: ignore[no-redef]
        """``ws.send()`` raises this when the WebSocket is closed. A view may let it pass: it then ends silently."""


__all__ = ["ConnectionClosed"]
