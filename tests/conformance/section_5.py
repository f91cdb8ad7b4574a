"""Fragmentation (RFC 6455, 5.4)."""

from cases import OCTETS, STEPS, WHOLE, Conversation, ping, pong, say, text
from endpoint import Fails
from support.frames import CONTINUATION, Frame

TITLE = "Fragmentation"


def _more(payload, final=False):
    return Frame(CONTINUATION, payload, final)


def _in_each_way(first, title, steps):
    """Three cases of the same steps, which the public list tells apart by how they are sent."""
    names = {WHOLE: "in one piece", STEPS: "frame by frame", OCTETS: "octet by octet"}
    return [Conversation(f"5.{first + number}", f"{title}, {name}", steps, ways=(way,))
            for number, (way, name) in enumerate(names.items())]


_TWO = text("fragment1fragment2")
_FIVE = text("fragment1fragment2fragment3fragment4fragment5")
_PINGS_WITHIN = (
    say(text("fragment1", final=False), _more(b"fragment2"), ping(b"pongme 1!"), hears=pong(b"pongme 1!")),
    say(_more(b"fragment3"), _more(b"fragment4"), ping(b"pongme 2!"), hears=pong(b"pongme 2!")),
    say(_more(b"fragment5", final=True), hears=_FIVE),
)
# Nothing is there to be continued; what comes behind it is good.
_NOTHING = say(_more(b"non-continuation payload", final=True), hears=Fails(1002))
_NOTHING_OPEN = say(_more(b"non-continuation payload"), hears=Fails(1002))


def _twice(final):
    """Two rounds of a continuation of nothing and text in two fragments; the first frame ends it all."""
    rounds = 2 * (_more(b"fragment1", final), text("fragment2", final=False), _more(b"fragment3", final=True))
    return say(rounds[0], hears=Fails(1002)), *map(say, rounds[1:])



CASES = [
    Conversation("5.1", "a ping in two fragments",
                 (say(ping(b"fragment1", final=False), hears=Fails(1002)), say(_more(b"fragment2", final=True)))),
    Conversation("5.2", "a pong in two fragments",
                 (say(pong(b"fragment1", final=False), hears=Fails(1002)), say(_more(b"fragment2", final=True)))),
    *_in_each_way(3, "text in two fragments",
                  (say(text("fragment1", final=False)), say(_more(b"fragment2", final=True), hears=_TWO))),
    *_in_each_way(6, "text in two fragments with a ping between them",
                  (say(text("fragment1", final=False)), say(ping(b"ping payload"), hears=pong(b"ping payload")),
                   say(_more(b"fragment2", final=True), hears=_TWO))),
    *_in_each_way(9, "a final continuation of nothing, then text", (_NOTHING, say(text("Hello, world!")))),
    *_in_each_way(12, "a continuation of nothing, then text", (_NOTHING_OPEN, say(text("Hello, world!")))),
    Conversation("5.15", "text in two fragments, then a continuation of nothing, then text",
                 (say(text("fragment1", final=False)), say(_more(b"fragment2", final=True), hears=_TWO),
                  say(_more(b"fragment3"), hears=Fails(1002)), say(text("fragment4")))),
    Conversation("5.16", "twice: a continuation of nothing, then text in two fragments", _twice(final=False)),
    Conversation("5.17", "twice: a final continuation of nothing, then text in two fragments", _twice(final=True)),
    Conversation("5.18", "text in two fragments, both of which begin a message",
                 (say(text("fragment1", final=False)), say(text("fragment2"), hears=Fails(1002)))),
    Conversation("5.19", "text in five fragments with two pings between them, answered before the message is whole",
                 _PINGS_WITHIN, ways=(WHOLE, OCTETS)),
    Conversation("5.20", "the same, waiting for each answer", _PINGS_WITHIN, ways=(STEPS,)),
]
