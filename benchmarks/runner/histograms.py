"""Reads the logs of HdrHistogram that `manage load --histogram` writes."""

import base64
import math
import re
import struct
import zlib
from dataclasses import dataclass, field

COMPRESSED = 0x1C849314  # the cookies of version 2
PLAIN = 0x1C849313
HEAD = struct.Struct(">iiiiqqd")  # cookie, bytes, offset, digits, lowest, highest, ratio
LINE = re.compile(r"^Tag=([^,]+),([^,]+),([^,]+),[^,]+,(\S+)$", re.MULTILINE)


@dataclass
class Histogram:
    """Counts by bucket, for values of three significant digits."""

    counts: dict = field(default_factory=dict)  # by the largest value of a bucket

    @property
    def count(self):
        return sum(self.counts.values())

    def add(self, other):
        for value, count in other.counts.items():
            self.counts[value] = self.counts.get(value, 0) + count

    def percentile(self, percent):
        """The value that `percent` of the values do not exceed."""
        wanted = max(1, math.ceil(percent / 100 * self.count - 1e-6))
        for value in sorted(self.counts):
            wanted -= self.counts[value]
            if wanted <= 0:
                return value
        return 0

    def count_from(self, value):
        """How many values are at least `value`."""
        return sum(count for last, count in self.counts.items() if last >= value)


@dataclass
class Curve:
    name: str
    histogram: Histogram


def _numbers(data):
    """The numbers in ZigZag LEB128, of nine bytes at most."""
    value, shift = 0, 0
    for byte in data:
        if shift == 56:
            value |= byte << shift
        else:
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte & 0x80:
                continue
        yield (value >> 1) ^ -(value & 1)
        value, shift = 0, 0


def _last_value(index):
    """The largest value of a bucket: the first 2048 are 1 wide, then each 1024 are twice as wide as those before."""
    shift = max(0, index // 1024 - 1)
    return ((index - shift * 1024 + 1) << shift) - 1


def decode(text):
    """A histogram from the last field of a line."""
    data = base64.b64decode(text, validate=True)
    cookie, length = struct.unpack(">ii", data[:8])
    if cookie != COMPRESSED or length != len(data) - 8:
        raise ValueError("it is no compressed histogram of version 2")
    data = zlib.decompress(data[8:])
    cookie, length, offset, digits, lowest, _, ratio = HEAD.unpack(data[: HEAD.size])
    if (cookie, offset, digits, lowest, ratio) != (PLAIN, 0, 3, 1, 1.0) or length != len(data) - HEAD.size:
        raise ValueError("it is a histogram of another kind than manage load writes")
    histogram, index = Histogram(), 0
    for number in _numbers(data[HEAD.size :]):
        if number < 0:
            index -= number
        else:
            histogram.counts[_last_value(index)] = number
            index += 1
    return histogram


def read_log(text):
    """The histograms of a log by their tag, each of the whole run."""
    series = {}
    for tag, _, _, encoded in LINE.findall(text):
        series.setdefault(tag, Histogram()).add(decode(encoded))
    return series
