"""docs/reference/conformance.md: what came of each case, on each backend, plain and over TLS."""

import datetime
import shlex
import sys

INTRODUCTION = """\
# Conformance

Whether our server and our client do what RFC 6455 (WebSocket) and RFC 7692 (permessage-deflate) say, case by case. The list of
cases and their numbers are those of the public Autobahn test suite; the cases of section 0 are ours. The suite,
[tests/conformance/](../tests/conformance/), is a peer of its own in Python, which shares no code with the library.

It sends what the public cases send, byte for byte but for the masks. Only 6.4.1 and 6.4.2 ask by a ping where those wait, and the
data of sections 12 and 13 are others of the same kinds, in messages of the same sizes. A message in fragments of a size that divides
it has an empty one more at its end, so 4 MiB in fragments of 64 bytes are 65,537; `max_fragments` is 131,072, for servers and
for clients.

It knows no "tolerable": a bad frame is answered at once, by a close frame with the right code and then FIN, and text that is not
UTF-8 before the rest of its frame has come; what was good before is echoed first; nothing follows a close frame, no connection
is reset, and after a good close it is the server that ends TCP. Lengths are in their shortest form, a client masks each frame
with another key, compressed messages need no larger window and no other context than was agreed on. Short cases are held
three times: step by step, in one piece, and octet by octet.

`./test -L conformance` runs it in a short form, with `C10K_FULL=1` every case. This page was written on {date} by

    {command}
"""

PASSES, FAILS, NOT_RUN = "pass", "**fails**", "not run"


def _line(*cells):
    return "| " + " | ".join(cells) + " |"


def _head(*cells):
    return [_line(*cells), "|" + "---|" * len(cells)]


def _outcome(outcomes, case):
    wrong = outcomes.get(case.number)
    return NOT_RUN if wrong is None else FAILS if wrong else PASSES


def _sum(outcomes, cases):
    ran = [outcomes[case.number] for case in cases if case.number in outcomes]
    return f"{sum(not wrong for wrong in ran)} of {len(cases)}"


def page(sections, columns):
    """`sections` are titles and cases by number, `columns` by name what was wrong by the number of the case."""
    command = shlex.join(["tests/conformance/run.py", *sys.argv[1:]])
    lines = [INTRODUCTION.format(date=datetime.date.today().isoformat(), command=command), "## In sum", "",
             *_head("section", *columns)]
    for number, (title, cases) in sections.items():
        lines.append(_line(f"{number}. {title}", *[_sum(outcomes, cases) for outcomes in columns.values()]))
    every = [case for _, cases in sections.values() for case in cases]
    lines.append(_line("**all**", *[f"**{_sum(outcomes, every)}**" for outcomes in columns.values()]))
    for number, (title, cases) in sections.items():
        lines += ["", f"## {number}. {title}", "", *_head("case", "what is said", "what must be heard", *columns)]
        for case in cases:
            lines.append(_line(case.number, case.title, case.expects.replace("|", "\\|"),
                               *[_outcome(outcomes, case) for outcomes in columns.values()]))
    return "\n".join(lines) + "\n"
