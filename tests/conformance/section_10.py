"""Fragments that a sender makes by itself."""

from cases import Volley
from support.frames import TEXT

TITLE = "Automatic fragmentation"

CASES = [
    Volley("10.1.1", "text of 65536 bytes in fragments of 1300", TEXT, 65536,
           lambda count: [b"*" * 65536] * count, fragment=1300, is_quick=True),
]
