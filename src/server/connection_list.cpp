#include "server/connection_list.hpp"

#include "connection/memory_trimmer.hpp"

namespace c10k {

ConnectionList::ConnectionList(Loop& loop, Admission& admission)
    : loop_(loop), admission_(admission), counters_(loop.local<Counters>()), trimmer_(loop.local<MemoryTrimmer>()) {}

void ConnectionList::add(std::unique_ptr<ServerConnection> connection) noexcept {
    ServerConnection* added = connection.release();
    added->previous_ = last_;
    if (last_ != nullptr) {
        last_->link_ = added;
    } else {
        first_ = added;
    }
    last_ = added;
    ++count_;
    ++admission_.connections;
    counters_.open.add();
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
    --admission_.connections;
    admission_.leave(slot);
    counters_.open.subtract();
    counters_.late_failures.set(loop_.backend().failures_after_close());
    trimmer_.soon();
    loop_.retire(std::unique_ptr<Retirable>{&connection});
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
        counters_.count(Limit::kShutdownTime);
        aborted.abort();
    }
}

}  // namespace c10k
