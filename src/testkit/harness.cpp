#include "testkit/harness.hpp"

#include "testkit/patience.hpp"

#include <algorithm>

namespace c10k::testkit {
namespace {

class Alarm final : public Timer {
public:
    [[nodiscard]] bool rang() const noexcept { return rang_; }

private:
    void on_time() override { rang_ = true; }

    bool rang_ = false;
};

class Done final : public CompletionListener {
public:
    void on_completed() noexcept override { done_ = true; }
    [[nodiscard]] bool is_set() const noexcept { return done_; }

private:
    bool done_ = false;
};

}  // namespace

void run_to_end(Loop& loop, Task<> task) {
    StopScope scope;
    Done done;
    task.start(scope, done);
    while (!done.is_set()) {
        loop.turn();
    }
    task.result();
}

Harness::Harness(Loop& loop, Application& application, ServerLimits limits)
    : Harness(loop, application, std::move(limits), dynamic_cast<MemoryBackend*>(&loop.backend())) {}

Harness::Harness(Loop& loop, Application& application, ServerLimits limits, MemoryBackend* network,
                 std::shared_ptr<Admission> admission)
    : loop_(loop), network_(network), limits_(std::move(limits)),
      server_(loop_, application, limits_, nullptr, std::move(admission)),
      address_(server_.listen(Address::resolve("127.0.0.1", 0))) {}

Harness::~Harness() { close(); }

void Harness::run_until(const std::function<bool()>& done, std::string_view what) {
    if (network_ != nullptr) {
        loop_.run_until_idle();
        if (!done()) {
            throw NothingCame{what};
        }
        return;
    }
    Alarm alarm;
    alarm.start(kPatience);
    while (!done()) {
        if (alarm.rang()) {
            throw NothingCame{what};
        }
        loop_.turn();
    }
}

void Harness::advance(Duration time) {
    loop_.run_until_idle();
    const std::int64_t end = network_->now() + std::chrono::ceil<std::chrono::milliseconds>(time).count();
    for (auto next = loop_.timers().next(); next && *next <= end; next = loop_.timers().next()) {
        network_->advance(std::chrono::milliseconds{std::max<std::int64_t>(*next - network_->now(), 0)});
        loop_.run_until_idle();
    }
    network_->advance(std::chrono::milliseconds{end - network_->now()});
    loop_.run_until_idle();
}

void Harness::close() {
    if (!closed_) {
        closed_ = true;
        run(server_.close());
    }
}

}  // namespace c10k::testkit
