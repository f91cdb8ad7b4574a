"""Data of several kinds, which compress well, a little or not at all. The same in each run."""

import json
import random
import zlib

_WORDS = ("und die der ich das nicht ist ein sie zu er mich wie mir den mit so es auf doch was dem nur sich wir uns "
          "euch hier da nach noch wenn mein dir auch man dich nun sein hat kein im als aus bei Geist Welt Herz Nacht "
          "Leben Natur Kraft Himmel Erde Teufel Freude Wort Tat Licht Seele über schöne größte heiß früh Glück").split()


def json_text():
    dice = random.Random(1)
    records = []
    while len(records) < 900:
        number = len(records)
        records.append({
            "id": number, "name": " ".join(dice.sample(_WORDS, 2)), "active": number % 3 == 0,
            "balance": round(dice.uniform(0, 10_000), 2), "tags": dice.sample(_WORDS, 3),
            "position": {"lat": round(dice.uniform(-90, 90), 6), "lon": round(dice.uniform(-180, 180), 6)},
        })
    return json.dumps(records).encode()


def picture():
    """A grey bitmap of 512 by 512 with soft slopes and some noise."""
    dice, size = random.Random(2), 512
    header = b"BM" + (1078 + size * size).to_bytes(4, "little") + bytes(1072)
    return header + bytes(
        (x * x // 700 + y * (512 - x) // 900 + dice.randrange(5)) & 0xFF for y in range(size) for x in range(size))


def prose():
    dice, lines = random.Random(3), []
    for _ in range(4500):
        lines.append(" ".join(dice.choice(_WORDS) for _ in range(8)).capitalize() + dice.choice(",.;!?"))
    return "\n".join(lines).encode()


def page():
    dice, rows = random.Random(4), []
    for number in range(1500):
        rows.append(f'<tr class="row-{number % 2}"><td>{number}</td><td><a href="/item/{dice.randrange(10**6)}/">'
                    f'{" ".join(dice.sample(_WORDS, 3))}</a></td><td>{dice.random():.4f}</td></tr>')
    text = "<!doctype html><html><head><title>Items</title></head><body><table>" + "\n".join(rows) + "</table></body>"
    return text.encode("ascii", "xmlcharrefreplace")


def document():
    """Objects around streams that are compressed already, as in a PDF."""
    dice, parts = random.Random(5), [b"%PDF-1.4\n"]
    for number in range(60):
        stream = zlib.compress(dice.randbytes(12_000) + prose()[number * 3000:number * 3000 + 9000])
        parts.append(b"%d 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream\nendobj\n"
                     % (number, len(stream), stream))
    return b"".join(parts)


def slices(data, size):
    """A function that gives messages of `size` bytes, one after the other out of `data`, again and again."""
    endless = data * (size // len(data) + 2)

    def messages(count):
        at = 0
        for _ in range(count):
            yield endless[at:at + size]
            at = (at + size) % len(data)
    return messages
