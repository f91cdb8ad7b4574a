#pragma once

#include "c10k/task.hpp"
#include "c10k/testkit.hpp"
#include "loop/loop.hpp"
#include "server/server.hpp"
#include "testkit/memory_backend.hpp"

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace c10k::testkit {

// Runs `task` on `loop` to its end. In memory the clock moves as needed. Throws what the task throws.
void run_to_end(Loop& loop, Task<> task);

// A server on a loop, and on the same loop the peers of that server: both ends of every connection, on one thread.
class Harness {
public:
    // The loop outlives the harness, and the harness its peers.
    Harness(Loop& loop, Application& application, ServerLimits limits = {});
    // The same, for a loop whose backend is around one in memory; null if it is around another. Servers with one
    // admission share their limits.
    Harness(Loop& loop, Application& application, ServerLimits limits, MemoryBackend* network,
            std::shared_ptr<Admission> admission = std::make_shared<Admission>());
    // Closes the server.
    ~Harness();
    Harness(const Harness&) = delete;
    Harness& operator=(const Harness&) = delete;

    [[nodiscard]] Loop& loop() noexcept { return loop_; }
    [[nodiscard]] c10k::Server& server() noexcept { return server_; }
    // Where the server listens.
    [[nodiscard]] const Address& address() const noexcept { return address_; }
    // Requires: the backend is in memory.
    [[nodiscard]] MemoryBackend& network() noexcept { return *network_; }

    // Turns the loop until nothing is left to do at this time of the clock.
    void run_until_idle() { loop_.run_until_idle(); }
    // Turns the loop until `done`. Throws NothingCame if it never will be: in memory as soon as all has settled, on a
    // real network after some seconds.
    void run_until(const std::function<bool()>& done, std::string_view what);
    // Moves the clock; everything due meanwhile happens in its order. Requires: the backend is in memory.
    void advance(Duration time);
    void run(Task<> task) { run_to_end(loop_, std::move(task)); }
    // Closes the server, with all of its connections.
    void close();

private:
    Loop& loop_;
    MemoryBackend* network_;
    ServerLimits limits_;
    c10k::Server server_;
    Address address_;
    bool closed_ = false;
};

}  // namespace c10k::testkit
