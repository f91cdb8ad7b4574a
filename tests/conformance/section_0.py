"""What the public list has no case for: masks on the wrong side, and lengths in other than their shortest form."""

from frames import CONTINUATION, Frame
from cases import Conversation, binary, close, ping, pong, say, text
from peer import Fails

TITLE = "Masks and lengths (ours, not in the public list)"

_WRONG_MASKS = {
    "text": text("Hello", wrong_mask=True), "empty text": text("", wrong_mask=True),
    "binary": binary(b"\x00\xff", wrong_mask=True), "a ping": ping(b"x", wrong_mask=True),
    "a pong": pong(wrong_mask=True), "a close frame": close(1000, wrong_mask=True),
}
_LENGTHS = {
    "5 bytes, length in 16 bits": text("Hello", length_bytes=2),
    "5 bytes, length in 64 bits": text("Hello", length_bytes=8),
    "no bytes, length in 16 bits": binary(b"", length_bytes=2),
    "126 bytes, length in 64 bits": binary(bytes(126), length_bytes=8),
    "65535 bytes, length in 64 bits": binary(bytes(65535), length_bytes=8),
}

CASES = [
    *[Conversation(f"0.1.{number}", f"{what}: from a client without a mask, from a server with one",
                   (say(frame, hears=Fails(1002)),))
      for number, (what, frame) in enumerate(_WRONG_MASKS.items(), 1)],
    Conversation("0.1.7", "text in two fragments, the second with the mask on the wrong side",
                 (say(text("Hel", final=False)),
                  say(Frame(CONTINUATION, b"lo", wrong_mask=True), hears=Fails(1002)))),
    Conversation("0.1.8", "text, then text with the mask on the wrong side",
                 (say(text("one"), hears=text("one")), say(text("two", wrong_mask=True), hears=Fails(1002)))),
    *[Conversation(f"0.2.{number}", what, (say(frame, hears=Fails(1002)),))
      for number, (what, frame) in enumerate(_LENGTHS.items(), 1)],
]
