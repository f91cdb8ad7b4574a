"""Limits: large messages, many fragments, small pieces, many messages."""

import itertools

from cases import Volley
from frames import BINARY, TEXT

TITLE = "Limits and performance"

KIB, MIB = 1024, 1024 * 1024
_LINE = "0123456789 κόσμε €uro \U0001f9c0 ".encode()
_BYTES = bytes((at * 7 ^ at >> 5) & 0xFF for at in range(8191))


def _shown(size):
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB" if size >= KIB else f"{size} bytes"


def _payload(opcode, size):
    """So many bytes, of a text as UTF-8 with characters of one to four octets."""
    unit = _LINE if opcode == TEXT else _BYTES
    whole = unit * (size // len(unit))
    return whole + (b"." * (size - len(whole)) if opcode == TEXT else unit[:size - len(whole)])


def _once(opcode, size):
    return lambda count: itertools.repeat(_payload(opcode, size), count)


def _numbered(opcode, size):
    """Messages of one size that differ, so that none can be taken for another."""
    return lambda count: ((b"%06d" % number)[:size] + _payload(opcode, max(0, size - 6)) for number in range(count))


CASES = []
for _family, _opcode, _name in ((1, TEXT, "text"), (2, BINARY, "binary")):
    for _number, _size in enumerate((64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB), 1):
        CASES.append(Volley(f"9.{_family}.{_number}", f"{_name} of {_shown(_size)}", _opcode, _size,
                            _once(_opcode, _size), is_quick=_size <= MIB))
for _family, _opcode, _name in ((3, TEXT, "text"), (4, BINARY, "binary")):
    for _number, _size in enumerate((64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB), 1):
        CASES.append(Volley(f"9.{_family}.{_number}", f"{_name} of 4 MiB in fragments of {_shown(_size)}", _opcode,
                            4 * MIB, _once(_opcode, 4 * MIB), fragment=_size, is_quick=_size in (KIB, 256 * KIB)))
for _family, _opcode, _name in ((5, TEXT, "text"), (6, BINARY, "binary")):
    for _number, _size in enumerate((64, 128, 256, 512, KIB, 2 * KIB), 1):
        CASES.append(Volley(f"9.{_family}.{_number}", f"{_name} of 1 MiB in pieces of {_shown(_size)}", _opcode,
                            MIB, _once(_opcode, MIB), chop=_size, is_quick=_size == 512))
for _family, _opcode, _name in ((7, TEXT, "text"), (8, BINARY, "binary")):
    for _number, _size in enumerate((0, 16, 64, 256, KIB, 4 * KIB), 1):
        CASES.append(Volley(f"9.{_family}.{_number}", f"{_name} of {_shown(_size)}, one after the other",
                            _opcode, _size, _numbered(_opcode, _size), count=1000, under_way=1, is_quick=True))
CASES.sort(key=lambda case: tuple(map(int, case.number.split("."))))
