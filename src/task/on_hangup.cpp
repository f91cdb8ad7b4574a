#include "task/on_hangup.hpp"

#include "task/handler_gate.hpp"

#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

std::atomic<int> told{-1};  // the eventfd that the handler writes to
HandlerGate handlers;

void tell(int descriptor) noexcept {
    const std::uint64_t one = 1;
    (void)!::write(descriptor, &one, sizeof one);
}

void on_signal(int /*number*/, siginfo_t* info, void* /*context*/) {
    const int error = errno;  // of the interrupted code
    if (info->si_code == SI_KERNEL) {
        ::kill(::getpid(), SIGTERM);
    } else {
        const HandlerGate::Visit visit{handlers};
        tell(told);
    }
    errno = error;
}

}  // namespace

OnHangup::OnHangup(std::function<void()> action) : action_(std::move(action)), news_(::eventfd(0, EFD_CLOEXEC)) {
    if (news_ < 0) {
        throw std::system_error(errno, std::system_category(), "eventfd");
    }
    thread_ = std::thread{&OnHangup::wait_and_act, this};
    told = news_;
    struct sigaction wanted {};
    wanted.sa_sigaction = &on_signal;
    wanted.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigaction(SIGHUP, &wanted, &former_);
}

OnHangup::~OnHangup() {
    ::sigaction(SIGHUP, &former_, nullptr);
    ending_ = true;
    tell(news_);
    thread_.join();
    told = -1;
    handlers.wait_until_empty();  // a handler may have read the number, which may soon be another file's
    ::close(news_);
}

void OnHangup::wait_and_act() {
    std::uint64_t count = 0;
    while (::read(news_, &count, sizeof count) > 0 || errno == EINTR) {
        if (ending_) {
            return;
        }
        action_();
    }
}

}  // namespace c10k
