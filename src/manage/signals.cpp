#include "manage/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

namespace c10k {

Signals::Signals(std::initializer_list<int> numbers) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : numbers) {
        sigaddset(&set, number);
    }
    ::sigprocmask(SIG_BLOCK, &set, &former_);
    descriptor_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

Signals::~Signals() {
    ::close(descriptor_);
    ::sigprocmask(SIG_SETMASK, &former_, nullptr);
}

std::vector<int> Signals::take() const {
    std::vector<int> numbers;
    for (signalfd_siginfo info; ::read(descriptor_, &info, sizeof info) == sizeof info;) {
        numbers.push_back(static_cast<int>(info.ssi_signo));
    }
    return numbers;
}

}  // namespace c10k
