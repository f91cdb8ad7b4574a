#!/usr/bin/python3
"""Checks the look that all pages share: its copies are equal, its colours the same in each notation, its texts legible.

src/web/assets/base.css is the original. The demos and new projects have copies, because a site serves only files of
its own; --fix copies it again. Other style sheets of ours may repeat a colour, but not change it. Contrasts are WCAG's: 4.5 for text, 3 for the borders of fields.
"""

import itertools
import re
import sys

from includes import ROOT

ORIGINAL = ROOT / "src/web/assets/base.css"
COPIES = [ROOT / "demos/static/site/base.css", ROOT / "share/project/static/site/base.css"]

GROUNDS = ["paper", "raised", "sunken"]
TEXTS = ["ink", "muted", "accent", "second", "good", "busy", "bad"]
LEAST = {
    **dict.fromkeys(itertools.product(TEXTS, GROUNDS), 4.5),
    **dict.fromkeys(itertools.product(["field"], GROUNDS), 3),
    **dict.fromkeys(itertools.product(["ink", "accent", "muted"], ["tint"]), 4.5),
    **dict.fromkeys(itertools.product(["ink", "bad"], ["blush"]), 4.5),
    ("on-accent", "accent"): 4.5,
}


def schemes(text):
    """The colours of the light and the dark scheme, and what is wrong with how they are written."""
    light = dict(re.findall(r"^    --([\w-]+): (#\w+);", text, re.MULTILINE))
    media, supports = text.split("@supports", 1)
    dark = dict(re.findall(r"^        --([\w-]+): (#\w+);", media, re.MULTILINE))
    pairs = {name: pair for name, *pair in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\);", supports)}
    names = light.keys() | dark.keys() | pairs.keys()
    wrong = [f"--{name} is not the same colour in each notation" for name in sorted(names)
             if pairs.get(name) != [light.get(name), dark.get(name)]]
    return light, dark, wrong


def luminance(colour):
    channels = (int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def illegible(scheme, colours):
    for (text, ground), least in LEAST.items():
        is_ = contrast(colours[text], colours[ground])
        if is_ < least:
            yield f"--{text} on --{ground}, {scheme}: a contrast of {is_:.2f}, less than {least}"


def other_colours(light, dark):
    """The tokens of other style sheets that are neither colour of base.css."""
    for file in sorted(ORIGINAL.parent.glob("[!.]*.css")):
        for name, colour in re.findall(r"--([\w-]+): (#\w+);", file.read_text()):
            if name in light and colour not in (light[name], dark[name]):
                yield f"{file.relative_to(ROOT)}: --{name} is {colour}, in base.css another colour"


def main():
    text = ORIGINAL.read_text()
    if "--fix" in sys.argv[1:]:
        for copy in COPIES:
            copy.write_text(text)
    light, dark, wrong = schemes(text)
    if not wrong:
        wrong = [*illegible("light", light), *illegible("dark", dark), *other_colours(light, dark)]
    wrong += [f"{copy.relative_to(ROOT)} is not {ORIGINAL.relative_to(ROOT)}: tools/check_look.py --fix copies it"
              for copy in COPIES if copy.read_text() != text]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(light)} colours, {2 * len(LEAST)} contrasts, {len(COPIES)} copies; {len(wrong)} faults.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
