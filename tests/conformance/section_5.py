"""Fragmentation (RFC 6455, 5.4)."""

from cases import OCTETS, STEPS, WHOLE, Conversation, ping, pong, say, text
from frames import CONTINUATION, Frame
from peer import Fails

TITLE = "Fragmentation"


def _more(payload, final=False):
    return Frame(CONTINUATION, payload, final)


def _in_each_way(first, title, steps):
    """Three cases of the same steps, which the public list tells apart by how they are sent."""
    names = {WHOLE: "in one piece", STEPS: "frame by frame", OCTETS: "octet by octet"}
    return [Conversation(f"5.{first + number}", f"{title}, {name}", steps, ways=(way,))
            for number, (way, name) in enumerate(names.items())]


_TWO = text("one, two")
_FIVE = text("one, two, three, four, five")
_PINGS_WITHIN = (
    say(text("one, ", final=False), _more(b"two, "), ping(b"first"), hears=pong(b"first")),
    say(_more(b"three, "), _more(b"four, "), ping(b"second"), hears=pong(b"second")),
    say(_more(b"five", final=True), hears=_FIVE),
)
# Nothing is there to be continued; what comes behind it is good.
_NOTHING = say(_more(b"of nothing", final=True), hears=Fails(1002))
_NOTHING_OPEN = say(_more(b"of nothing"), hears=Fails(1002))

CASES = [
    Conversation("5.1", "a ping in two fragments",
                 (say(ping(b"one", final=False), hears=Fails(1002)), say(_more(b"two", final=True)))),
    Conversation("5.2", "a pong in two fragments",
                 (say(pong(b"one", final=False), hears=Fails(1002)), say(_more(b"two", final=True)))),
    *_in_each_way(3, "text in two fragments",
                  (say(text("one, ", final=False)), say(_more(b"two", final=True), hears=_TWO))),
    *_in_each_way(6, "text in two fragments with a ping between them",
                  (say(text("one, ", final=False)), say(ping(b"within"), hears=pong(b"within")),
                   say(_more(b"two", final=True), hears=_TWO))),
    *_in_each_way(9, "a final continuation of nothing, then text", (_NOTHING, say(text("Hello")))),
    *_in_each_way(12, "a continuation of nothing, then text", (_NOTHING_OPEN, say(text("Hello")))),
    Conversation("5.15", "text in two fragments, then a continuation of nothing, then text",
                 (say(text("one, ", final=False)), say(_more(b"two", final=True), hears=_TWO), _NOTHING_OPEN,
                  say(text("Hello")))),
    Conversation("5.16", "twice: a continuation of nothing, then text in two fragments",
                 (_NOTHING_OPEN, *(2 * (say(text("one, ", final=False), _more(b"two", final=True)),
                                        say(_more(b"of nothing"))))[:3])),
    Conversation("5.17", "twice: a final continuation of nothing, then text in two fragments",
                 (_NOTHING, *(2 * (say(text("one, ", final=False), _more(b"two", final=True)),
                                   say(_more(b"of nothing", final=True))))[:3])),
    Conversation("5.18", "text in two fragments, both of which begin a message",
                 (say(text("one", final=False)), say(text("two"), hears=Fails(1002)))),
    Conversation("5.19", "text in five fragments with two pings between them, answered before the message is whole",
                 _PINGS_WITHIN, ways=(WHOLE, OCTETS)),
    Conversation("5.20", "the same, waiting for each answer", _PINGS_WITHIN, ways=(STEPS,)),
]
