"""Rows 7 to 15 and 23: requests that are too long, or that two parsers could read in two ways (RFC 9112)."""

import random

from harness import KIBIBYTE, MEBIBYTE, SLACK, HostileTestCase
from support.cases import main

HEAD_LIMIT = 16 * KIBIBYTE
CROWD = 100  # connections
SMUGGLED = b"GET /views/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /body/ HTTP/1.1\r\nHost: localhost\r\n"


def get(*fields):
    """A request that would be good without these fields."""
    return b"".join([b"GET /body/ HTTP/1.1\r\nHost: localhost\r\n", *fields, b"\r\n"])


class Sizes(HostileTestCase):
    def assert_crowd_is_refused(self, data, *statuses):
        """A hundred at once, who stay until they are thrown out: at most a head's limit is held for each."""
        with self.server.memory_within(CROWD * HEAD_LIMIT + SLACK):
            crowd = [self.connect() for _ in range(CROWD)]
            for connection in crowd:
                connection.send(data)
            for connection in crowd:
                self.assertIn(connection.answer().status, statuses)
        for connection in crowd:
            self.assertEqual(connection.rest(), b"")

    def test_row_07_two_thousand_fields_are_431(self):
        """CVE-2024-37890: 2,000 header fields: 431 or 400, and no more than the limit of a head is held."""
        fields = [b"X-%d: 1\r\n" % number for number in range(2000)]
        self.assert_refused(get(*fields), 400, 431)
        self.assert_refused(get(*[b"X: \r\n"] * 2000), 400, 431)
        self.assert_crowd_is_refused(get(*fields), 400, 431)

    def test_row_08_an_endless_line_is_431(self):
        """CVE-2024-52804: 1 MiB of a header line: 431, 400 or the end; at most 16 KiB held and 10 ms of CPU for
        each."""
        data = get()[:-2] + b"X: " + b"x" * MEBIBYTE
        self.assert_refused(data, 400, 431)
        before = self.server.cpu()
        self.assert_crowd_is_refused(data, 400, 431)
        if not self.server.is_sanitized():
            self.assertLess(self.server.cpu() - before, CROWD * 0.010)

    def test_row_09_a_long_head_in_single_bytes_is_answered(self):
        """CVE-2023-43669: a head up to the limit in segments of one byte is answered, and one byte more refused.

        That the work grows with the length only is measured where nothing else costs: in tests/wire/.
        """
        def in_single_bytes(size):
            head = get(b"X: " + b"x" * (size - len(get()) - 5) + b"\r\n")
            self.assertEqual(len(head), size)
            connection = self.connect()
            for byte in head:
                connection.send(bytes([byte]))
            return connection

        self.assertEqual(in_single_bytes(HEAD_LIMIT).answer().status, 200)
        self.assertIn(in_single_bytes(HEAD_LIMIT + 1).answer().status, (400, 431))

    def test_row_10_long_targets_methods_and_names_are_refused(self):
        """64 to 100 KiB of a target, a method or a name: 414, 431 or 400."""
        for size in (64 * KIBIBYTE, 100 * KIBIBYTE):
            long = b"x" * size
            for data in [b"GET /" + long + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
                         b"GET /body/?" + long + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
                         long + b" /body/ HTTP/1.1\r\nHost: localhost\r\n\r\n", get(long + b": 1\r\n"),
                         get(b"X: " + long + b"\r\n"), b"GET /body/ HTTP/1.1\r\nHost: " + long + b"\r\n\r\n"]:
                with self.subTest(data=data[:20], size=size):
                    self.assert_refused(data, 400, 414, 431)
        self.assert_crowd_is_refused(b"GET /" + b"x" * (100 * KIBIBYTE), 414)


class Smuggling(HostileTestCase):
    """What follows is never taken for a second request."""

    def assert_bad(self, *requests, statuses=(400,)):
        for data in requests:
            with self.subTest(data=data[:100]):
                self.assert_refused(data + SMUGGLED, *statuses)

    def test_row_11_misshapen_field_lines_are_400(self):
        """Folds, space before the colon, control characters, names that are no token or empty, no colon: 400."""
        self.assert_bad(*[get(line + b"\r\n") for line in [
            b"X: 1\r\n folded", b"X: 1\r\n\tfolded", b" X: 1", b"\tX: 1", b"X : 1", b"X\t: 1", b"X: a\x00b", b"X: \x01",
            b"X: \x0b", b"X: \x1b[0m", b"X: a\x7f", b"X\x00: 1", b"X Y: 1", b"X(: 1", b"X,: 1", b'"X": 1', b"X@: 1",
            b"X\xc3\xa9: 1", b": 1", b":", b"X", b"X 1",
        ]])

    def test_row_12_other_line_ends_are_400(self):
        """LF without CR, CR without LF: 400."""
        self.assert_bad(
            b"GET /body/ HTTP/1.1\nHost: localhost\n\n", b"GET /body/ HTTP/1.1\rHost: localhost\r\r",
            b"GET /body/ HTTP/1.1\r\nHost: localhost\n\r\n", b"GET /body/ HTTP/1.1\r\nHost: localhost\r\n\n",
            b"GET /body/ HTTP/1.1\nHost: localhost\r\n\r\n", get(b"X: a\rY: b\r\n"), get(b"X: a\r\r\n"),
            get(b"X: a\nY: b\r\n"), b"\n" + get(), b"\r\n\r\n" + get())

    def test_row_13_odd_lengths_are_400(self):
        """Smuggling: Content-Length with a sign, a base, a list, twice, too large for 64 bits or empty: 400 and the
        end."""
        self.assert_bad(*[POST + b"Content-Length: " + length + b"\r\n\r\n12345" for length in [
            b"+5", b"-5", b"0x5", b"1_0", b"5, 5", b"5,5", b"5 5", b"5;", b"5.0", b"5a", b"", b" ", b"%d" % 2**64,
            b"%d" % (2**64 + 5), b"9" * 40, b"\xd9\xa5", b"\xef\xbc\x95",
        ]])
        self.assert_bad(*[POST + b"Content-Length: 5\r\nContent-Length: " + second + b"\r\n\r\n12345"
                          for second in [b"5", b"6", b"0"]])
        self.assert_bad(POST + b"Content-Length : 5\r\n\r\n12345", POST + b"Content-Length\r\n\r\n12345")
        self.assert_bad(POST + b"Content-Length: %d\r\n\r\n12345" % (2**64 - 1), statuses=(413,))

    def test_row_14_transfer_encodings_other_than_one_chunked_are_refused(self):
        """Smuggling: with a length, twice, other or not final codings, control characters, in HTTP/1.0: 400 or 501
        and the end."""
        chunked = b"Transfer-Encoding: chunked\r\n"
        body = b"\r\n0\r\n\r\n"
        self.assert_bad(*[POST + fields + body for fields in [
            b"Content-Length: 5\r\n" + chunked, chunked + b"Content-Length: 5\r\n", chunked + b"Content-Length: 0\r\n",
            chunked + chunked, b"Transfer-Encoding: identity\r\n" + chunked,
            chunked + b"Transfer-Encoding: identity\r\n",
            *[b"Transfer-Encoding: " + coding + b"\r\n" for coding in [
                b"", b"xchunked", b"chunkedx", b"identity", b"gzip", b"gzip, chunked", b"chunked, gzip",
                b"chunked, chunked", b",", b"gzip, chunked, gzip", b"chunked;q=1", b'"chunked"', b"chunked x", b"x chunked",
                b"\x0bchunked", b"\x0cchunked", b"chunked\x00", b"chunked\x0b", b"\xa0chunked",
            ]],
            b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding:\r\n chunked\r\n",
        ]], statuses=(400, 501))
        self.assert_bad(*[POST + b"Transfer-Encoding: " + coding + b"\r\n" + body for coding in [
            b"chunked, gzip", b"chunked,gzip", b"chunked\r\nTransfer-Encoding: gzip", b"chunked, chunked", b""]])
        self.assert_bad(b"POST /body/ HTTP/1.0\r\nHost: localhost\r\n" + chunked + body)

    def test_row_15_misshapen_chunks_are_400(self):
        """Smuggling: chunk sizes that overflow, signs, prefixes, spaces, bare LF, 64 KiB of extension: 400 and the
        end."""
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        end = b"\r\nx\r\n0\r\n\r\n"
        self.assert_bad(*[head + size + end for size in [
            b"10000000000000000", b"10000000000000001", b"f" * 17, b"00000000000000001", b"-1", b"+1", b"0x1", b"1_0",
            b" 1", b"1 ", b"1 ;", b"1;a;", b"1;a=", b"1;=a", b'1;a="b', b"1;a b", b"\t1", b"g", b"", b";", b"1;\x01", b"1;a\nb", b"1;a\rb",
            b"1;" + b"x" * 64 * KIBIBYTE,
        ]])
        self.assert_bad(*[head + chunks for chunks in [
            b"1\nx\n0\n\n", b"1\r\nx\n0\r\n\r\n", b"1\r\nxx\r\n0\r\n\r\n", b"1\r\nx0\r\n\r\n", b"1\r\nx\r\n0\r\n\n",
            b"0\r\nBad Name: 1\r\n\r\n", b"0\r\nX\r\n\r\n", b"0\r\n X: 1\r\n\r\n", b"0\r\n: 1\r\n\r\n",
            (b"1;" + b"x" * 20 + b"\r\ny\r\n") * 2000,  # extensions of many chunks together
        ]])
        self.assert_bad(head + b"f" * 16 + end, head + b"7" + b"f" * 15 + end, head + b"100001" + end, statuses=(413,))
        self.assert_bad(head + b"0\r\nX: " + b"x" * 64 * KIBIBYTE + b"\r\n\r\n", statuses=(400, 431))

    def test_row_23_other_protocols_are_400(self):
        """HTTP/2's preface, a TLS hello, SSH and random bytes on the plain port: 400, 505 or the end."""
        hello = bytes.fromhex("16030100c8010000c40303") + bytes(200)
        for data in [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), hello, b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\n\r\n", b"\x00" * 100, b"\xff" * 100 + b"\r\n\r\n", b"EHLO localhost\r\n\r\n"]:
            with self.subTest(data=data):
                self.assert_refused(data, 400, 505)
        numbers = random.Random(23)
        for _ in range(500):
            connection = self.connect()
            connection.send(numbers.randbytes(numbers.randrange(1, 400)))
            connection.shutdown_write()
            received = connection.rest()
            self.assertTrue(received == b"" or received.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505")), received)
            connection.close()


if __name__ == "__main__":
    main()
