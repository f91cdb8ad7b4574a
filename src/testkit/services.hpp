#pragma once

#include "c10k/server.hpp"
#include "c10k/testkit.hpp"
#include "loop/loop.hpp"
#include "web/site_parts.hpp"

#include <memory>

namespace c10k::testkit {

// The loop that all objects of a test on this thread share, as long as one of them exists: services or servers first.
[[nodiscard]] std::shared_ptr<Loop> shared_loop();

// Makes `loop` that loop, for as long as this lives.
class SharedLoop {
public:
    explicit SharedLoop(const std::shared_ptr<Loop>& loop);
    ~SharedLoop();
    SharedLoop(const SharedLoop&) = delete;
    SharedLoop& operator=(const SharedLoop&) = delete;

private:
    std::weak_ptr<Loop> outer_;
};

struct Services::Parts {
    explicit Parts(Settings chosen);

    std::shared_ptr<Loop> loop = shared_loop();
    Settings settings;
    SharedState shared{1};
    TaskGroup background;
    SiteParts site;
};

}  // namespace c10k::testkit
