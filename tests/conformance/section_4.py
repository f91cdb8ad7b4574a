"""Reserved opcodes (RFC 6455, 5.2)."""

from cases import OCTETS, Conversation, ping, say, text
from endpoint import Fails
from support.frames import Frame

TITLE = "Opcodes"

CASES = []
for _kind, _opcodes in ((1, range(3, 8)), (2, range(11, 16))):
    for _number, _opcode in enumerate(_opcodes, 1):
        _payload = {2: b"reserved opcode payload", 4: b"Hello, world!", 5: b"Hello, world!"}.get(_number, b"")
        _bad = say(Frame(_opcode, _payload), hears=Fails(1002))
        _title = f"opcode {_opcode} {'with' if _payload else 'without'} a payload"
        if _number <= 2:
            CASES.append(Conversation(f"4.{_kind}.{_number}", _title, (_bad,)))
        else:
            # The endpoint answers messages before it, and none behind it.
            _steps = (say(text("Hello, world!"), hears=text("Hello, world!")), _bad, say(ping()))
            _octets = {"ways": (OCTETS,)} if _number == 5 else {}
            CASES.append(Conversation(f"4.{_kind}.{_number}", f"text, then {_title}, then a ping"
                                      f"{', octet by octet' if _octets else ''}", _steps, **_octets))
