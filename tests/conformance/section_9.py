"""Limits: large messages, many fragments, small pieces, many messages; the bytes are those of the public suite."""

import itertools

from cases import Volley
from support.frames import BINARY, TEXT

TITLE = "Limits and performance"

KIB, MIB = 1024, 1024 * 1024
_PATTERNS = {TEXT: b"BAsd7&jh23", BINARY: b"\x00\xfe\x23\xfa\xf0"}
_OCTETS = {TEXT: b"*", BINARY: b"\xfe"}


def _shown(size):
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB" if size >= KIB else f"{size} bytes"


def _repeated(unit, size):
    """As many messages as are wanted, each of so many bytes."""
    payload = (unit * (size // len(unit) + 1))[:size]
    return lambda count: itertools.repeat(payload, count)


CASES = []
for _family, _opcode, _name in ((1, TEXT, "text"), (2, BINARY, "binary")):
    for _number, _size in enumerate((64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB), 1):
        CASES.append(Volley(f"9.{_family}.{_number}", f"{_name} of {_shown(_size)}", _opcode, _size,
                            _repeated(_PATTERNS[_opcode], _size), is_quick=_size <= MIB))
for _family, _opcode, _name in ((3, TEXT, "text"), (4, BINARY, "binary")):
    for _number, _size in enumerate((64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB), 1):
        _how = f"in fragments of {_shown(_size)} and an empty last one" if _size < 4 * MIB else "in one frame"
        CASES.append(Volley(f"9.{_family}.{_number}", f"{_name} of 4 MiB {_how}", _opcode, 4 * MIB,
                            _repeated(_OCTETS[_opcode], 4 * MIB), fragment=_size,
                            is_quick=_size in (64, KIB, 256 * KIB)))
for _family, _opcode, _name in ((5, TEXT, "text"), (6, BINARY, "binary")):
    for _number, _size in enumerate((64, 128, 256, 512, KIB, 2 * KIB), 1):
        CASES.append(Volley(f"9.{_family}.{_number}", f"{_name} of 1 MiB in pieces of {_shown(_size)}", _opcode,
                            MIB, _repeated(_PATTERNS[_opcode], MIB), chop=_size, is_quick=_size == 512))
for _family, _opcode, _name in ((7, TEXT, "text"), (8, BINARY, "binary")):
    for _number, _size in enumerate((0, 16, 64, 256, KIB, 4 * KIB), 1):
        CASES.append(Volley(f"9.{_family}.{_number}", f"{_name} of {_shown(_size)}, one after the other",
                            _opcode, _size, _repeated(_OCTETS[_opcode], _size), count=1000, under_way=1, is_quick=True))
CASES.sort(key=lambda case: tuple(map(int, case.number.split("."))))
