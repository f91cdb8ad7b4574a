"""The report of the conformance suite: what came of each case, on each backend, plain, over TLS and HTTP/2."""

import datetime
import shlex
import sys

INTRODUCTION = """\
# Conformance: report

Written on {date} by

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
