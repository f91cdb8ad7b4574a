"""What a public header declares, with the comment that stands above each declaration: the text of its reference page."""

import dataclasses
import re
import textwrap

COMMENT = re.compile(r"\s*// ?(.*)")
RECORD = re.compile(r"(?:template\s*<.*>\s*)?(class|struct|enum(?: class)?)\b(?:\s*\[\[\w+\]\])?\s+([\w:<>]+)", re.DOTALL)
ACCESS = re.compile(r"\s*(public|protected|private):")
# The name that a declaration gives, once TEMPLATE is out of the way: of a type, a function, or a variable.
NAMED = re.compile(r"""\b(?:using|concept)\s+(\w+)
    |(operator(?:\ \w+|[^\w\s(]+|\(\))|~?(?!(?:decltype|noexcept|requires|sizeof)\b)\b\w+)\(
    |(\w+)(?:\ =\ .*|\{.*)?;""", re.DOTALL | re.VERBOSE)
TEMPLATE = re.compile(r"template\s*<[^{;]*?>\s*\n|requires\((?:[^()]|\([^()]*\))*\) |^requires[^\n]*\n", re.DOTALL | re.MULTILINE)
# These tell a reader nothing: a declaration without a definition, a friend, a function that may not be called.
NO_NEWS = re.compile(r"""(?:template\s*<[^;]*>\s*)?(?:class|struct|enum)\s[\w:\s]+;$
    |friend\b.*;$ |extern\ template\b |static_assert\b |.*__attribute__\(\(unavailable |.*=\ delete;$""", re.DOTALL | re.VERBOSE)
# Without a comment these tell no more: how a class is copied, moved and destroyed.
SPECIAL = re.compile(r"(?:virtual )?~\w+\(|[\w:]+& operator=\(|(\w+)\((?:(?:const )?\1&&? \w+)?\)")
INITIALIZERS = re.compile(r"\)((?: const)?(?: noexcept)?(?: override)?(?: -> [^{:]+)?)\s*:\s[^:].*$", re.DOTALL)
ATTRIBUTES = re.compile(r"\[\[nodiscard\]\] ?|\binline (?!namespace)|\s*// NOLINT\S*.*$", re.MULTILINE)


@dataclasses.dataclass
class Entry:
    """A declaration, or several that share a comment; for a class with what is public in it."""

    name: str
    code: str
    comment: list  # lines
    members: list = dataclasses.field(default_factory=list)
    is_record: bool = False

    @property
    def is_documented(self):
        return bool(self.comment) or any(member.is_documented for member in self.members)


@dataclasses.dataclass
class Section:
    """A title between declarations ("// ---- Time"), or a comment that belongs to none of them."""

    title: str
    comment: list


def _end(text, start):
    """Where the declaration that begins at `start` ends, and where its body in braces begins, or None."""
    depth, body, i = 0, None, start
    while i < len(text):
        c = text[i]
        if text.startswith("//", i):
            i = text.index("\n", i)
        elif c in "\"'" and not (c == "'" and text[i - 1].isalnum()):
            raw = re.compile(r'\(.*?\)"', re.DOTALL).match(text, i + 1) if text[i - 1] == "R" else None
            i = raw.end() - 1 if raw else re.compile(rf"(?:\\.|[^\\{c}])*{c}").match(text, i + 1).end() - 1
        elif c in "({[":
            if c == "{" and depth == 0:
                body = i
            depth += 1
        elif c in ")}]":
            depth -= 1
            if c == "}" and depth == 0 and not re.compile(r"[ \n]*[;,){]").match(text, i + 1):
                return i + 1, body
        elif c == ";" and depth == 0:
            return i + 1, body
        i += 1
    return i, body


def _signature(code, body):
    """The declaration without the body of a function."""
    if body is not None and not re.search(r"=\s*$", code[:body]) and ")" in code[:body] and code.endswith("}"):
        code = INITIALIZERS.sub(r")\1", code[:body])
        code = code.rstrip() + ";"
    code = re.sub(r"\)( const)?( noexcept)? = default;$", r")\1\2;", ATTRIBUTES.sub("", code))
    return re.sub(r"\n {5,}", "\n    ", code.strip())


def _name(code):
    match = NAMED.search(TEMPLATE.sub("", code))
    return next(filter(None, match.groups()), "") if match else ""


def parse(text):
    """Returns the Entries and Sections of a header, or of the inside of a class, in their order."""
    items, comment, shown, attached, i = [], [], True, False, 0
    while i < len(text):
        line_end = text.find("\n", i) if "\n" in text[i:] else len(text)
        line = text[i:line_end]
        note = COMMENT.fullmatch(line)
        if note:
            comment.append(note[1])
            i, attached = line_end + 1, False
            continue
        if not line.strip():
            if comment and shown:
                items += _free(comment)
            comment, attached, i = [], False, line_end + 1
            continue
        if line.startswith("#"):
            i = line_end + 1
            continue
        if namespace := re.match(r"namespace ([\w:]+) \{$|\}(?:  // namespace.*)?$", line):
            if comment:
                items += _free(comment)
            comment = []
            if (namespace[1] or "").endswith("internal"):
                i = text.index("}  // namespace", i)
            i = text.index("\n", i) + 1 if "\n" in text[i:] else len(text)
            continue
        if access := ACCESS.match(line):
            shown, comment, attached, i = access[1] == "public", [], False, line_end + 1
            continue
        begin = i + len(line) - len(line.lstrip())
        end, body = _end(text, begin)
        line_end = text.find("\n", end) if "\n" in text[end:] else len(text)
        code = text[begin:end]
        whole = textwrap.dedent(text[i:end] + re.sub(r"\s*// NOLINT.*", "", text[end:line_end]))
        record = RECORD.match(code) if body is not None else None
        if shown and not NO_NEWS.match(code) and (comment or not SPECIAL.match(code)):
            if record and record[1].startswith(("class", "struct")):
                head = re.split(r" (?:final )?: | final$", ATTRIBUTES.sub("", code[:body - begin].strip()))[0]
                inside = code[body - begin + 1:code.rindex("}")]
                members = parse(("private:\n" if record[1] == "class" else "") + inside)
                members = [member for member in members if isinstance(member, Entry)]
                items.append(Entry(record[2], head + ";", comment, members, True))
            elif record:
                items.append(Entry(record[2], whole, comment, is_record=True))
            else:
                signature = _signature(code, body - begin if body is not None else None)
                trailing = re.sub(r"\s*// NOLINT.*", "", text[end:line_end])
                signature = textwrap.dedent(text[i:begin] + signature) + trailing
                if attached and items and isinstance(items[-1], Entry) and not items[-1].is_record:
                    items[-1].code += "\n" + signature
                elif not re.match(r"[^\n(]*\w+::\w+\([^\n]*$", signature) or comment:
                    items.append(Entry(_name(code), signature, comment))
            attached = not record
        comment, i = [], line_end + 1
    return items


def _free(comment):
    if match := re.fullmatch(r"---- (.+)", comment[0]):
        return [Section(match[1], comment[1:])]
    return [Section("", comment)]


def documented(header):
    """What the reference page of that header shows: what a comment tells about."""
    items = [item for item in parse(header.read_text()) if isinstance(item, Section) or item.is_documented]
    return [item for item, after in zip(items, [*items[1:], Section("", [])])
            if isinstance(item, Entry) or not item.title or isinstance(after, Entry)]
