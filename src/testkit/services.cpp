#include "testkit/services.hpp"

#include "connection/loop_services.hpp"
#include "testkit/harness.hpp"
#include "testkit/inline_blocking.hpp"
#include "testkit/memory_backend.hpp"

#include <exception>
#include <utility>

namespace c10k::testkit {
namespace {

std::weak_ptr<Loop>& current() {
    thread_local std::weak_ptr<Loop> loop;
    return loop;
}

}  // namespace

std::shared_ptr<Loop> shared_loop() {
    std::shared_ptr<Loop> loop = current().lock();
    if (!loop) {
        loop = std::make_shared<Loop>(std::make_unique<MemoryBackend>());
        loop->set_blocking_pool(std::make_shared<InlineBlocking>());
        current() = loop;
    }
    return loop;
}

SharedLoop::SharedLoop(const std::shared_ptr<Loop>& loop) : outer_(std::exchange(current(), loop)) {}

SharedLoop::~SharedLoop() { current() = outer_; }

Services::Parts::Parts(Settings chosen)
    : settings(std::move(chosen)), site(Templates::Mode::kDebug, settings, background, shared, 0) {
    InlineBlocking::limit(*loop, settings);
    shared.metrics.add(LoopServices::of(*loop).counters);
    shared.metrics.add(loop->blocking_pool());
}

Services::Services(Settings settings)
    : parts_(std::make_unique<Parts>(std::move(settings))), groups(parts_->site.groups), values(parts_->shared.values),
      templates(parts_->site.templates), static_files(parts_->site.static_files), background(parts_->background) {}

Services::~Services() {
    const auto join = [](TaskGroup& group) -> Task<> { co_await group.join(); };
    background.stop();
    try {
        run_to_end(*parts_->loop, join(background));
    } catch (...) {
        log_failure(std::current_exception());
    }
}

Services::operator c10k::Services&() noexcept { return parts_->site.services; }

}  // namespace c10k::testkit
