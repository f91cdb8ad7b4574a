"""A stream of an HTTP/2 connection in the place of a TCP connection (RFC 8441, 5), with python3-h2.

FIN is END_STREAM, a reset is RST_STREAM, and what is sent at once is DATA: one frame, or as many as the windows and the
largest size of a frame ask for. The connection is a Stream, and so has the patience and the violations of one.
"""

import collections
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from stream import Stream
from support.frames import Violation
from support.http2 import CANCEL, GOAWAY, PREFACE, RST_STREAM

HEAD_BYTES = 9  # of a frame (RFC 9113, 4.1)


class Http2Connection:
    """`is_client` tells who we are."""

    def __init__(self, connection, is_client):
        self.is_client = is_client
        self._tcp = Stream(connection)
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=is_client, header_encoding="utf-8",
            validate_outbound_headers=False))  # python3-h2 does not know :protocol in what it sends
        if not is_client:
            self._h2.local_settings = h2.settings.Settings(
                client=False, initial_values={h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})
        self._left_of_preface = 0 if is_client else len(PREFACE)
        self._unread = bytearray()
        self._streams = {}
        self._requests = collections.deque()  # streams that nobody has taken yet
        self._has_settings = False  # of the subject
        self._acknowledged_pings = 0
        self._ending = ""  # why it carries no more
        self._h2.initiate_connection()
        self._flush()

    def close(self):
        self._tcp.close()

    def is_open(self):
        return not self._ending

    def check_open(self):
        if self._ending:
            raise Violation(self._ending)

    def open(self, head):
        """Sends a request that has no end, once the server has said that it takes such (RFC 8441, 3)."""
        while not self._has_settings:
            self.check_open()
            self.take()
        if not self._h2.remote_settings.enable_connect_protocol:
            raise Violation("the server does not say SETTINGS_ENABLE_CONNECT_PROTOCOL")
        number = self._h2.get_next_available_stream_id()
        stream = self._streams[number] = Http2Stream(self, number)
        self.send_head(number, head)
        return stream

    def next_request(self):
        """The client's next stream, whose head has come; None once the client has ended the connection."""
        while not self._requests:
            if self._ending:
                return None
            self.take()
        return self._requests.popleft()

    def settle(self):
        """Returns when all has come that the subject sends for what it has been sent.

        A server acknowledges a PING behind that. Our client ends the connection with its last stream.
        """
        if not self.is_client:
            while not self._ending and not self._requests:
                self.take()
            return
        wanted = self._acknowledged_pings + 1
        self._h2.ping(wanted.to_bytes(8, "big"))
        self._flush()
        while self._acknowledged_pings < wanted:
            self.check_open()
            self.take()

    # ---- For its streams

    def send_head(self, number, head, ends=False):
        self._h2.send_headers(number, head, end_stream=ends)
        self._flush()

    def send(self, stream, data):
        left = memoryview(data)
        while left:
            stream.check_no_reset_yet()
            self.check_open()
            size = min(len(left), self._h2.local_flow_control_window(stream.number), self._h2.max_outbound_frame_size)
            if size <= 0:
                self.take()
                continue
            self._h2.send_data(stream.number, bytes(left[:size]))
            left = left[size:]
            self._flush()

    def end(self, number):
        self._h2.end_stream(number)
        self._flush()

    def forget(self, stream):
        """Resets it unless it has ended on both sides."""
        if stream.is_open() and self.is_open():
            self._h2.reset_stream(stream.number, CANCEL)
            self._flush()
        del self._streams[stream.number]

    def is_silent(self, seconds):
        return not self._ending and self._tcp.is_silent(seconds)

    def take(self):
        """Takes what comes next, and waits for it."""
        data = self._tcp.receive()
        if not data:
            self._ending = self._ending or "the HTTP/2 connection ended"
        self._unread += data
        if self._left_of_preface and len(self._unread) >= self._left_of_preface:
            self._feed(self._left_of_preface)
            self._left_of_preface = 0
        while len(self._unread) >= HEAD_BYTES and not self._left_of_preface:
            size = HEAD_BYTES + int.from_bytes(self._unread[:3], "big")
            if len(self._unread) < size:
                break
            kind, number = self._unread[3], int.from_bytes(self._unread[5:9], "big")
            stream = self._streams.get(number)
            if kind == RST_STREAM and stream is not None:  # python3-h2 is silent about one behind the end of a stream
                stream.reset = int.from_bytes(self._unread[9:13], "big")
            self._feed(size)
            if kind == GOAWAY:
                break
        self._flush()

    # ---- The connection

    def _flush(self):
        if data := self._h2.data_to_send():
            self._tcp.send(data)

    def _feed(self, size):
        """Lets python3-h2 take the first bytes: one frame, so that no frame hides what another one says."""
        data = bytes(self._unread[:size])
        del self._unread[:size]
        try:
            for event in self._h2.receive_data(data):
                self._note(event)
        except h2.exceptions.ProtocolError as error:
            self._ending = f"the subject broke a rule of HTTP/2: {error}"
            raise Violation(self._ending) from None

    def _note(self, event):
        match event:
            case h2.events.ConnectionTerminated():
                self._ending = f"the HTTP/2 connection ended with GOAWAY, error {event.error_code}"
                if event.error_code:
                    raise Violation(self._ending)
            case h2.events.RemoteSettingsChanged():
                self._has_settings = True
            case h2.events.RequestReceived():
                stream = self._streams[event.stream_id] = Http2Stream(self, event.stream_id)
                stream.head = _fields(event.headers)
                self._requests.append(stream)
            case h2.events.ResponseReceived():
                self._streams[event.stream_id].head = _fields(event.headers)
            case h2.events.DataReceived():
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self._streams[event.stream_id].arrived += event.data
            case h2.events.StreamEnded():
                self._streams[event.stream_id].has_ended = True
            case h2.events.TrailersReceived() | h2.events.InformationalResponseReceived():
                raise Violation("HEADERS more than one on a stream")
            case h2.events.PingAckReceived():
                self._acknowledged_pings += 1


def _fields(headers):
    fields = {}
    for name, value in headers:
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


class Http2Stream:
    """Looks as a Stream does."""

    def __init__(self, connection, number):
        self.number = number
        self.head = None  # the fields of the subject's, by their names
        self.arrived = bytearray()
        self.has_ended = False
        self.reset = None  # the code of the subject's RST_STREAM
        self._connection = connection
        self._is_finished = False

    def close(self):
        self._connection.forget(self)

    def is_open(self):
        return self.reset is None and not (self.has_ended and self._is_finished)

    def send(self, data):
        self._connection.send(self, data)

    def send_head(self, head, ends=False):
        self._is_finished = ends
        self._connection.send_head(self.number, head, ends)

    def receive_head(self):
        while self.head is None:
            self.check_no_reset_yet()
            self._connection.check_open()
            self._connection.take()
        return self.head

    def receive(self):
        """What has come, and waits for it; b"" once the subject has ended the stream in good order."""
        while not self.arrived and not self.has_ended:
            self.check_no_reset_yet()
            self._connection.check_open()
            self._connection.take()
        data, self.arrived = self.arrived, bytearray()
        return data

    def receive_refusal(self):
        """Waits until the subject, which does not take the answer to its handshake, has ended the stream: in good order, or
        by RST_STREAM with CANCEL, since there is no WebSocket that could be closed (RFC 8441, 5)."""
        try:
            data = self.receive()
        except Violation:
            if self.reset != CANCEL:
                raise
            return
        if data:
            raise Violation(f"more than expected: {bytes(data[:40])!r}")

    def is_silent(self, seconds):
        """Whether neither bytes nor the end come for so long. The connection's own frames do not count."""
        deadline = time.monotonic() + seconds
        while not self.arrived and not self.has_ended and self.reset is None and self._connection.is_open():
            left = deadline - time.monotonic()
            if left <= 0 or self._connection.is_silent(left):
                return True
            self._connection.take()
        return False

    def finish(self):
        """Ends our side."""
        self.check_no_reset_yet()
        self._connection.check_open()
        self._is_finished = True
        self._connection.end(self.number)

    def check_no_reset(self):
        self._connection.settle()
        self.check_no_reset_yet()

    def check_no_reset_yet(self):
        if self.reset is not None:
            raise Violation(f"the stream was reset with error {self.reset}")
