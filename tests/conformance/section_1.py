"""Framing: messages of the sizes at which the form of the length changes (RFC 6455, 5.2)."""

from cases import STEPS, WHOLE, Conversation, binary, say, text

TITLE = "Framing"

_SIZES = [0, 125, 126, 127, 128, 65535, 65536]

CASES = []
for _kind, _name, _frame in ((1, "text", text(b"*")), (2, "binary", binary(b"\xfe"))):
    for _number, _size in enumerate(_SIZES, 1):
        _message = (text if _kind == 1 else binary)(_frame.payload * _size)
        CASES.append(Conversation(f"1.{_kind}.{_number}", f"{_name} of {_size} bytes",
                                  (say(_message, hears=_message),)))
    CASES.append(Conversation(f"1.{_kind}.8", f"{_name} of 65536 bytes, in pieces of 997",
                              (say(_message, hears=_message),), ways=(STEPS, WHOLE), chop=997))
