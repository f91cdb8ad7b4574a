#include "load/tally.hpp"

namespace c10k::load {

void Times::record(Clock::time_point due, Clock::time_point begun, Clock::time_point done) {
    corrected.record(done - due);
    raw.record(done - begun);
}

void Times::merge(const Times& other) {
    corrected.merge(other.corrected);
    raw.merge(other.raw);
}

void Times::clear() noexcept {
    corrected.clear();
    raw.clear();
}

void Tally::merge(const Tally& other) {
    all_sent += other.all_sent;
    all_received += other.all_received;
    recent.merge(other.recent);
    opened += other.opened;
    failed += other.failed;
    lost += other.lost;
    errors.merge(other.errors);
    due += other.due;
    sent += other.sent;
    expected += other.expected;
    answered += other.answered;
    finished += other.finished;
    unasked += other.unasked;
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    handshake.merge(other.handshake);
    reply.merge(other.reply);
    session.merge(other.session);
    late.merge(other.late);
}

// The histograms keep their memory.
void Tally::clear() {
    all_sent = all_received = opened = failed = lost = 0;
    due = sent = expected = answered = finished = unasked = bytes_sent = bytes_received = 0;
    recent.clear();
    errors = {};
    handshake.clear();
    reply.clear();
    session.clear();
    late.clear();
}

}  // namespace c10k::load
