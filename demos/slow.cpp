#include "slow.hpp"

#include <cstdio>
#include <utility>

using namespace c10k;

namespace {

Task<> say(const std::function<std::string()>& text) {
    for (Duration quiet = kFirstNotice;; quiet = kNextNotice) {
        co_await sleep_for(quiet);
        std::printf("%s\n", text().c_str());
        std::fflush(stdout);
    }
}

}  // namespace

Task<> say_if_slow(Task<> task, std::function<std::string()> text) {
    co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn(say(text));
        co_await std::move(task);
        group.stop();
    });
}
