"""What pages and programs say, and what every server of the Life page makes of it: one table for ours and for Django's.

docs/reference/life-protocols.md has the rules.
"""

import json

RECTANGLE = {"zoom": 0, "left": 0, "top": 0, "columns": 1, "rows": 1}
PLAY = {"paused": False, "speed": 10, "held": None, "stays": True, "jitter": 0, "pattern": None}


def _view(**changes):
    return json.dumps({"view": {**RECTANGLE, **changes}})


def _play(**changes):
    return json.dumps({"play": {**PLAY, **changes}})


# A page that says one of these is closed with 1008.
WRONG_OF_PAGES = [
    "", "view", "[]", "{", "null", b"{}", b"", "[" * 100_000, '{"view": 3}', '{"view": {}}', '{"view": {"zoom": 0, "left": 0}}',
    '{"view": 1e999}', _view(zoom="1"), _view(left=None), _view(rows=True), _view(ages=1), '{"seen": -1}', '{"seen": 1}',
    '{"seen": 99999999999}', '{"seen": 1.5}', '{"cell": 1}', '{"cell": [1]}', '{"cell": [-1, 0]}', '{"cell": [1.5, 0]}',
    '{"cell": ["1", 0]}', '{"cell": [1, null]}', '{"do": 3, "id": 1}', '{"do": {}}', '{"do": {}, "id": -1}',
    '{"do": {}, "id": 1.5}',
]

# A program that says one of these is closed with 1008.
WRONG_OF_PROGRAMS = [
    "", "play", "[]", "3", "{", b'{"answer": 1}', "[" * 5000, '{"hello": 3}', '{"hello": {"wrapped": 1}}',
    '{"hello": {"wrapped": true, "limit": -1}}', _play(speed="fast"), _play(held=3), _play(held={"row": 1}),
    _play(held={"row": 1.5, "col": 2, "seconds": 3}), _play(pattern=3), '{"play": {"paused": true}}', '{"play": null}',
    '{"answer": "1"}', '{"answer": 1, "error": 3}', '{"answer": -1}',
]

# Views, and the rectangles (left, top, columns, rows) with their zoom, that a grid of SIZE x SIZE cells makes of them.
SIZE = 20
VIEWS = [
    ({"zoom": 0, "left": 0, "top": 0, "columns": 4096, "rows": 4096}, 0, [0, 0, 20, 20]),
    ({"zoom": 0, "left": -5, "top": 3.9, "columns": 10, "rows": 2.5}, 0, [0, 3, 5, 2]),
    ({"zoom": 0, "left": 18, "top": -9, "columns": 9, "rows": 4}, 0, [18, 0, 2, 0]),
    ({"zoom": 2.9, "left": 1, "top": 1, "columns": 99, "rows": 1}, 2, [1, 1, 4, 1]),
    ({"zoom": -3, "left": 19, "top": 19, "columns": 1, "rows": 1}, 0, [19, 19, 1, 1]),
    ({"zoom": 40, "left": 0, "top": 0, "columns": 9, "rows": 9}, 12, [0, 0, 1, 1]),
    ({"zoom": 0, "left": 1e12, "top": 7, "columns": 1e9, "rows": 1}, 0, [20, 7, 0, 1]),
    ({"zoom": 0, "left": -1e300, "top": 0, "columns": 1e300, "rows": 1}, 0, [0, 0, 0, 1]),
]
