#include "server/connection_list.hpp"

namespace c10k {

ConnectionList::ConnectionList(LoopServices& services, Admission& admission)
    : services_(services), admission_(admission) {}

void ConnectionList::add(std::unique_ptr<ServerConnection> connection) noexcept {
    ServerConnection* added = connection.release();
    added->previous_ = last_;
    if (last_ != nullptr) {
        last_->link_ = added;
    } else {
        first_ = added;
    }
    last_ = added;
    if (is_closing_ && next_to_close_ == nullptr) {
        next_to_close_ = added;
    }
    ++count_;
    count(added->kind());
}

void ConnectionList::count(Admission::Kind kind) noexcept {
    if (Admission::is_client(kind)) {
        ++admission_.connections;
        services_.counters->open.add();
    }
    if (Admission::is_tcp(kind)) {
        ++admission_.tcp_connections;
        services_.counters->open_tcp.add();
    }
}

void ConnectionList::uncount(Admission::Kind kind) noexcept {
    if (Admission::is_client(kind)) {
        --admission_.connections;
        services_.counters->open.subtract();
    }
    if (Admission::is_tcp(kind)) {
        --admission_.tcp_connections;
        services_.counters->open_tcp.subtract();
    }
}

void ConnectionList::retire(ServerConnection& connection, Admission::AddressSlot slot) noexcept {
    ServerConnection* const following = next(connection);
    if (connection.previous_ != nullptr) {
        connection.previous_->link_ = following;
    } else {
        first_ = following;
    }
    (following != nullptr ? following->previous_ : last_) = connection.previous_;
    if (next_to_close_ == &connection) {
        next_to_close_ = following;
    }
    --count_;
    uncount(connection.kind());
    admission_.leave(slot);
    services_.counters->late_failures.set(services_.loop.backend().failures_after_close());
    services_.trimmer.soon();
    services_.loop.retire(std::unique_ptr<Retirable>{&connection});
    if (count_ == 0 && waiting_ != nullptr) {
        std::exchange(waiting_, nullptr)->resume();
    }
}

bool ConnectionList::close_oldest(std::size_t count, const ShutdownOptions& options) {
    for (std::size_t closed = 0; closed < count && next_to_close_ != nullptr; ++closed) {
        ServerConnection& connection = *next_to_close_;
        next_to_close_ = next(connection);
        connection.close(options);
    }
    return next_to_close_ != nullptr;
}

void ConnectionList::abort_all() noexcept {
    for (ServerConnection* connection = first_; connection != nullptr;) {
        ServerConnection& aborted = *connection;
        connection = next(aborted);
        services_.counters->count(Limit::kShutdownTime);
        aborted.abort();
    }
}

}  // namespace c10k
