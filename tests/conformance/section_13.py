"""permessage-deflate with parameters (RFC 7692, 7.1): each asks for how the subject compresses.

A client puts them into its offer, a server into its answer: no_context_takeover and max_window_bits of the other side.
"""

import dataclasses

import payloads
from deflate import Terms
from section_12 import DEFAULT, volleys
from support.frames import TEXT

TITLE = "Compression with parameters"

# By family: no_context_takeover and max_window_bits, of the preferred first.
_WISHES = {
    1: [(False, None)],
    2: [(True, None)],
    3: [(False, 9)],
    4: [(False, 15)],
    5: [(True, 9)],
    6: [(True, 15)],
    7: [(True, 9), (True, None), (False, None)],
}


def _shown(wish):
    no_takeover, bits = wish
    return f"{'no' if no_takeover else 'with'} context takeover, {f'{bits} bits' if bits else 'any window'}"


CASES = []
for _family, _wishes in _WISHES.items():
    _offers = tuple(dataclasses.replace(DEFAULT, server_no_context_takeover=no_takeover, server_max_window_bits=bits)
                    for no_takeover, bits in _wishes)
    _no_takeover, _bits = _wishes[0]
    CASES += volleys(f"13.{_family}", "JSON, " + " or ".join(map(_shown, _wishes)), TEXT, payloads.json_text(),
                     offers=_offers, wish=Terms(client_no_context_takeover=_no_takeover, client_max_window_bits=_bits))
