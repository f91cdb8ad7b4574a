#pragma once

#include "c10k/http.hpp"
#include "c10k/task.hpp"
#include "testkit/peer.hpp"

#include <string>

namespace c10k::testkit {

// One request and its response, as a task.
class PageFetch final : private Peer {
public:
    PageFetch(Harness& harness, const std::string& method, const std::string& target, const Headers& headers,
              const std::string& body);

    // Waits for the answer. Throws ConnectionClosed if it does not come whole, or not within a minute.
    Task<Response> response();

private:
    class OverAwaiter;

    void on_over() override;

    OverAwaiter* waiting_ = nullptr;
};

}  // namespace c10k::testkit
