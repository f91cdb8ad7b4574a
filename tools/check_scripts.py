#!/usr/bin/python3
"""Checks that no script for browsers opens ws:// to where its page came from: a browser blocks that as mixed content
once the page comes by https. A script takes the scheme of its page, too: location.origin.replace('http', 'ws')."""

import re
import sys

from includes import ROOT

FOLDERS = ("benchmarks", "demos", "docs", "examples", "include", "share", "src")
SUFFIXES = {".cpp", ".hpp", ".html", ".js", ".md", ".mjs", ".py"}
# `ws://${location.host}/`, 'ws://' + location.host, "ws://{{host}}/"
PLAIN = re.compile(r"""`ws://\$\{|['"]ws://['"]\s*\+\s*(window\.|document\.)?location\b|\bws://\{\{""")


def main():
    files = [ROOT / "README.md"]
    for folder in FOLDERS:
        files += [file for file in sorted((ROOT / folder).rglob("[!.]*")) if file.suffix in SUFFIXES]
    wrong = [
        f"{file.relative_to(ROOT)}:{number}: ws:// whatever its page came by: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if PLAIN.search(line)
    ]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(files)} files, {len(wrong)} things wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
