#pragma once

#include "connection/server.hpp"
#include "loop/loop.hpp"
#include "testkit/memory_backend.hpp"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace c10k::testkit {

// What a test waited for does not come.
class NothingCame : public std::runtime_error {
public:
    explicit NothingCame(std::string_view what) : std::runtime_error("nothing came: " + std::string{what}) {}
};

// A loop with a server on it, and with the peers of that server: both ends of every connection, on one thread.
class Stage {
public:
    // All of the peers are destroyed before the stage.
    Stage(std::unique_ptr<Backend> backend, Application& application, ServerLimits limits = {});
    // Closes the server.
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    [[nodiscard]] Loop& loop() noexcept { return loop_; }
    [[nodiscard]] Server& server() noexcept { return server_; }
    // Where the server listens.
    [[nodiscard]] const Address& address() const noexcept { return address_; }
    // Requires: the backend is in memory.
    [[nodiscard]] MemoryBackend& network() noexcept { return *network_; }

    // Turns the loop until nothing is left to do at this time of the clock.
    void settle() { loop_.settle(); }
    // Turns the loop until `done`. Throws NothingCame if it never will be: in memory as soon as all has settled, on a
    // real network after some seconds.
    void run_until(const std::function<bool()>& done, std::string_view what);
    // Moves the clock, and lets happen in its order what happens meanwhile. Requires: the backend is in memory.
    void advance(Duration time);
    // Runs `task` to its end. In memory the clock moves as it needs to.
    void run(Task<> task);
    // Closes the server, with all of its connections.
    void close();

private:
    Loop loop_;
    MemoryBackend* network_;
    ServerLimits limits_;
    Server server_;
    Address address_;
    bool closed_ = false;
};

}  // namespace c10k::testkit
