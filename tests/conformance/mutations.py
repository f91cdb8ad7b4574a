#!/usr/bin/python3
"""Whether the conformance suite would notice: puts known defects into a copy of the library, one at a time.

    tests/conformance/mutations.py                     all of them
    tests/conformance/mutations.py --only 'pong' 'mask' those whose name has one of these words
    tests/conformance/mutations.py --work /tmp/m       builds there, and leaves it for the next time
    tests/conformance/mutations.py --check             builds nothing: whether each defect still has its place in the source

For each: the copy is built with the defect, and the suite (run.py --quick --fail-fast) runs against its server and its
client. It must turn red. The exit status is 1 if a defect was not noticed, or if the suite is red without one.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

SOURCE = pathlib.Path(__file__).resolve().parents[2]

PROTOCOL = "src/wire/protocol.cpp"
DEFLATE = "src/wire/deflate.cpp"
CLOSE_CODE = "include/c10k/close_code.hpp"
PERMESSAGE_DEFLATE = "src/wire/permessage_deflate.cpp"
EXTENSIONS = "src/wire/extensions.cpp"
HANDSHAKE = "src/wire/handshake.cpp"
CLOSE_CODE = "include/c10k/close_code.hpp"
CONNECTION = "src/connection/websocket_connection.cpp"


class Mutation(NamedTuple):
    """A defect: `right` in the file, which is there once, becomes `wrong`."""

    name: str
    file: str
    right: str
    wrong: str


MUTATIONS = [
    # Frames (RFC 6455, 5)
    Mutation("reserved bits are ignored", PROTOCOL,
             "if (header.has_reserved_bits() && ", "if (header.has_reserved_bits() && false && "),
    Mutation("reserved opcodes are ignored", PROTOCOL, "if (is_reserved(opcode)) {", "if (false) {"),
    Mutation("control frames may be fragments", PROTOCOL,
             "if (is_control(opcode) && !header.is_final()) {", "if (false) {"),
    Mutation("control frames may have 126 bytes", "src/wire/frame.hpp",
             "inline constexpr std::size_t kMaxControlBytes = 125;",
             "inline constexpr std::size_t kMaxControlBytes = 126;"),
    Mutation("fragments may come in any order", PROTOCOL,
             "if (!is_control(opcode) && (opcode == Opcode::kContinuation) != is_inside_message) {", "if (false) {"),
    Mutation("masks on the wrong side are let through", PROTOCOL,
             "if (header.is_masked() != (role_ == Role::kServer)) {", "if (false) {"),
    Mutation("lengths may be longer than they need to be", PROTOCOL, "if (header.is_length_padded()) {", "if (false) {"),
    Mutation("65,536 bytes get a length of 16 bits", "src/wire/frame.hpp",
             "payload_bytes < 126 ? 2 : payload_bytes < 0x10000 ? 4 : 10",
             "payload_bytes < 126 ? 2 : payload_bytes <= 0x10000 ? 4 : 10"),
    Mutation("the mask begins anew in each segment", PROTOCOL,
             "    key_ = key_.after(part.size());\n    left_bytes_ -= static_cast<std::uint32_t>(part.size());\n"
             "    if (left_bytes_ == 0) {\n        end_data(events);",
             "    left_bytes_ -= static_cast<std::uint32_t>(part.size());\n"
             "    if (left_bytes_ == 0) {\n        end_data(events);"),
    Mutation("the client's mask is always the same", "src/wire/mask.cpp", "MaskKey(random_u32())", "MaskKey(0x12345678)"),
    Mutation("binary messages become text", PROTOCOL,
             "opcode == Opcode::kText ? Message::Kind::kText : Message::Kind::kBinary", "Message::Kind::kText"),

    # Text (RFC 6455, 8.1)
    Mutation("text is not checked", PROTOCOL, "const auto checked = whole_utf8(unchecked);",
             "const std::optional<std::size_t> checked = unchecked.size();"),
    Mutation("text is checked in its last fragment only", PROTOCOL,
             "    if (message_opcode_ == Opcode::kText) {\n        const std::string_view unchecked",
             "    if (message_opcode_ == Opcode::kText && final_) {\n        const std::string_view unchecked"),
    Mutation("text may end inside a character", PROTOCOL,
             "if (opcode == Opcode::kText && unchecked_bytes_ != 0) {", "if (false) {"),
    Mutation("half a surrogate is let through until the rest is there", "src/wire/utf8.cpp",
             "case 0xED: return second <= 0x9F;", "case 0xED: return true;"),

    # Ping and pong (RFC 6455, 5.5)
    Mutation("no pong", PROTOCOL, "events.on_reply(ControlFrame(role_, Opcode::kPong, payload).view());", ";"),
    Mutation("pongs are empty", PROTOCOL, "ControlFrame(role_, Opcode::kPong, payload)",
             "ControlFrame(role_, Opcode::kPong, {})"),
    Mutation("pongs are answered", PROTOCOL, "        events.on_pong(payload);",
             "        events.on_reply(ControlFrame(role_, Opcode::kPong, payload).view());"),

    # Close (RFC 6455, 5.5.1 and 7)
    Mutation("wrong close code for a protocol error", CLOSE_CODE, "kProtocolError = 1002", "kProtocolError = 1003"),
    Mutation("wrong close code for bad text", CLOSE_CODE, "kInvalidData = 1007", "kInvalidData = 1002"),
    Mutation("no close frame for a fault of the peer", PROTOCOL,
             "        events.on_reply(close_frame(role_, violation.code(), violation.text()).view());\n", ""),
    Mutation("no answer to a close frame", PROTOCOL,
             "        events.on_reply(ControlFrame(role_, Opcode::kClose, payload.substr(0, kCodeBytes)).view());\n", ""),
    Mutation("the answer to a close frame has no code", PROTOCOL, "payload.substr(0, kCodeBytes)).view()", "{}).view()"),
    Mutation("any close code will do", PROTOCOL, "if (!CloseCode::is_sendable(info.code)) {", "if (false) {"),
    Mutation("close frames may have one byte", PROTOCOL, "if (!payload.empty()) {", "if (payload.size() >= kCodeBytes) {"),
    Mutation("close reasons are not checked", PROTOCOL, "if (!is_utf8(info.reason)) {", "if (false) {"),
    Mutation("the close frame overtakes the echo", CONNECTION,
             "advance(inbox_.empty() ? CloseEvent::kPeerClose : CloseEvent::kPeerCloseUnread);",
             "advance(CloseEvent::kPeerClose);"),
    Mutation("frames behind a close frame are read", PROTOCOL,
             "if (std::exchange(state_, State::kClosed) == State::kOpen) {", "if (state_ == State::kOpen) {"),
    Mutation("the server waits for the client to end TCP", CONNECTION,
             "        if (ends_first()) {\n            shutdown_write();\n        }\n", ""),

    # permessage-deflate (RFC 7692)
    Mutation("compressed messages do not say so", "src/wire/message_builder.cpp", "*first | kCompressedBit", "*first"),
    Mutation("continuations may be marked as compressed", PROTOCOL,
             "deflate_ && (opcode == Opcode::kText || opcode == Opcode::kBinary)", "deflate_ && !is_control(opcode)"),
    Mutation("the tail of a compressed message is left on it", DEFLATE,
             "    compressed.drop_last(std::min(compressed.size(), kTail.size()));\n", ""),
    Mutation("the peer's context takeover is ignored", PERMESSAGE_DEFLATE,
             "inflater_stays_(!agreed.client_no_context_takeover)", "inflater_stays_(false)"),
    Mutation("our own context is kept although we promised not to", PERMESSAGE_DEFLATE,
             "deflater_stays_(!agreed.server_no_context_takeover)", "deflater_stays_(true)"),
    Mutation("our window is larger than agreed", PERMESSAGE_DEFLATE,
             "deflater_bits_(agreed.server_max_window_bits.value_or(kMaxWindowBits))",
             "deflater_bits_(kMaxWindowBits)"),
    Mutation("corrupt data passes", PROTOCOL,
             "case Inflater::Result::kCorrupt: return Violation::kCorruptCompression;",
             "case Inflater::Result::kCorrupt: return Violation::kNone;"),
    Mutation("final blocks are corrupt", DEFLATE, "                inflateResetKeep(&stream);\n                break;",
             "                return Result::kCorrupt;"),
    Mutation("unknown parameters are accepted", EXTENSIONS, "        bool is_right = false;", "        bool is_right = true;"),

    # The handshake (RFC 6455, 4)
    Mutation("another Sec-WebSocket-Accept", HANDSHAKE, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
             "258EAFA5-E914-47DA-95CA-C5AB0DC85B12"),
]


class Copy:
    """The source in a folder where it may be broken, with its build."""

    def __init__(self, folder):
        self._source = folder / "source"
        self._build = folder / "build"
        if self._source.exists():
            shutil.rmtree(self._source)
        for name in subprocess.run(["git", "ls-files"], cwd=SOURCE, check=True, capture_output=True,
                                   text=True).stdout.split("\n"):
            if name and (SOURCE / name).is_file():
                (self._source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(SOURCE / name, self._source / name)
        launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        self._run("cmake", "-S", self._source, "-B", self._build, "-G", "Ninja", "-DC10K_TESTS=ON", *launcher)

    def _run(self, *command):
        finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if finished.returncode != 0:
            raise SystemExit(finished.stdout[-4000:])

    def build(self):
        self._run("ninja", "-C", self._build, "conformance_server", "conformance_client")

    @contextlib.contextmanager
    def broken(self, mutation):
        file = self._source / mutation.file
        text = file.read_text()
        file.write_text(text.replace(mutation.right, mutation.wrong))
        try:
            yield
        finally:
            file.write_text(text)

    def first_failure(self):
        """The case that the suite fails first; "" if it passes."""
        environment = {**os.environ, "C10K_BUILD": str(self._build)}
        finished = subprocess.run([sys.executable, SOURCE / "tests/conformance/run.py", "--quick", "--fail-fast"], env=environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if finished.returncode == 0:
            return ""
        lines = finished.stdout.splitlines()
        failures = [line for line in lines if line.startswith("FAILS ")]
        return failures[0][len("FAILS "):] if failures else "\n".join(lines[-10:])


def misplaced():
    """Says of each defect whose place the source no longer has, once, that it has to be described anew."""
    return [f"{mutation.file} has changed, so that this defect has to be described anew: {mutation.name}"
            for mutation in MUTATIONS
            if not (SOURCE / mutation.file).is_file() or (SOURCE / mutation.file).read_text().count(mutation.right) != 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="defects with one of these in the name")
    parser.add_argument("--work", type=pathlib.Path, help="a folder for the copy, which is kept")
    parser.add_argument("--check", action="store_true", help="whether each defect still has its place in the source")
    options = parser.parse_args()
    wrong = misplaced()
    print(*wrong, sep="\n", end="\n" if wrong else "")
    if wrong or options.check:
        return 1 if wrong else 0
    wanted = [mutation for mutation in MUTATIONS if any(word in mutation.name for word in options.only)]
    with tempfile.TemporaryDirectory() as temporary:
        copy = Copy(options.work or pathlib.Path(temporary))
        copy.build()
        if failure := copy.first_failure():
            print(f"The suite is red without any defect: {failure}")
            return 1
        unnoticed = []
        for number, mutation in enumerate(wanted, 1):
            start = time.monotonic()
            with copy.broken(mutation):
                copy.build()
                failure = copy.first_failure()
            if not failure:
                unnoticed.append(mutation.name)
            outcome = f"caught by {failure.splitlines()[0][:100]}" if failure else "NOT NOTICED"
            print(f"{number:2}/{len(wanted)} {mutation.name}: {outcome} ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{len(wanted) - len(unnoticed)} of {len(wanted)} defects are caught")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
