#include "server/server.hpp"

#include "base/log.hpp"
#include "base/memory.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace c10k {
namespace {

// Connections that the kernel has completed when the server stops to accept are still to come: how long that may take.
constexpr std::chrono::milliseconds kLateTime{20};
// How often a server that ends closes some of its connections.
constexpr std::chrono::milliseconds kDrainInterval{50};

}  // namespace

Server::Server(Loop& loop, Application& application, const ServerLimits& limits, const ServerCertificates* certificates,
               std::shared_ptr<Admission> admission)
    : context_(LoopServices::of(loop), application, limits, certificates, std::move(admission)), acceptor_(context_) {
    loop.job_queue()->limit(limits.mailbox_bytes);
    keep_freed_memory();
}

Task<> Server::close(const ShutdownOptions& options) {
    context_.is_closing = true;
    acceptor_.take_held();
    return end(options);
}

Task<> Server::end(ShutdownOptions options) {
    Loop& loop = context_.services.loop;
    acceptor_.leave_accepting();
    if (options.grace > options.grace.zero()) {
        co_await sleep_for(std::min(options.grace, kLateTime));
        co_await wait_for_end(options.grace);
    }
    acceptor_.close_listeners();
    const std::int64_t begin = loop.now();
    const std::size_t batch = drain_batch();
    context_.connections.start_closing();
    while (context_.connections.close_oldest(batch, options)) {
        co_await sleep_for(kDrainInterval);
    }
    // Streams may still come on connections of HTTP/2, until their clients have heard of the end (RFC 9113, 6.8).
    for (std::chrono::milliseconds took{0}; took < context_.limits.shutdown_time;) {
        if (co_await wait_for_end(kDrainInterval)) {
            co_return;
        }
        context_.connections.close_oldest(batch, options);
        took = std::chrono::milliseconds{loop.now() - begin};
    }
    log::warning(std::to_string(count()) + " connections did not end in time and are cut");
    context_.connections.abort_all();
    co_await context_.connections.until_empty();
}

std::size_t Server::drain_batch() const noexcept {
    const ServerLimits& limits = context_.limits;
    const std::int64_t intervals = std::max<std::int64_t>(limits.shutdown_time / 2 / kDrainInterval, 1);
    const std::size_t at_rate = limits.drain_rate * kDrainInterval / std::chrono::seconds{1};
    return std::max<std::size_t>(at_rate, count() / intervals + 1);
}

Task<bool> Server::wait_for_end(std::chrono::milliseconds time) {
    try {
        co_await with_timeout(time, context_.connections.until_empty());
        co_return true;
    } catch (const TimedOut&) {
        co_return false;
    }
}

}  // namespace c10k
