"""Every setting with its default, unit and reason, out of the table that the program itself reads."""

import re

from pages import ROOT

ROWS = ROOT / "src/web/setting_rows.cpp"
FIELDS = [ROOT / "include/c10k/limits.hpp", ROOT / "include/c10k/settings.hpp"]
ROW = re.compile(r'SettingRow\{\s*"(\w+)",\s*"([^"]*)",\s*&Settings::\w+,\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
FIELD = re.compile(r"^ {4}[\w:<>]+ (\w+)(?:\{(.*)\}| = (.*));$", re.MULTILINE)
KIB, MIB = 1 << 10, 1 << 20


def _number(code):
    """The value of a product of numbers."""
    value = 1
    for factor in code.replace("'", "").split("*"):
        value *= int(factor)
    return value


def _default(code, declaration, unit):
    """A default as --set takes it."""
    if code == "{}":
        return ""
    if not re.fullmatch(r"[\d' *]+", code):
        return code.strip('"')
    number = _number(code)
    if "milliseconds" in declaration:
        return f"{number // 1000}s" if number % 1000 == 0 else f"{number}ms"
    if "seconds" in declaration:
        return f"{number}s"
    if unit == "bytes" and number > 0:
        for size, name in ((MIB, "MiB"), (KIB, "KiB")):
            if number % size == 0:
                return f"{number // size}{name}"
    return str(number)


def settings():
    """Yields (name, default, unit, reason) of each setting, in the order of the table."""
    fields = {match[1]: match for file in FIELDS for match in FIELD.finditer(file.read_text())}
    for name, unit, literals in ROW.findall(ROWS.read_text()):
        field = fields[name]
        reason = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)).replace('\\"', '"')
        yield name, _default(field[2] or field[3], field[0], unit), unit, reason
