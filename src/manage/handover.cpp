#include "manage/handover.hpp"

#include "loop/activation.hpp"
#include "loop/sockets.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

int open_listener_for_user(const Address& address, const Settings& settings, PortUse use) {
    try {
        return open_listener(address, static_cast<int>(settings.backlog), use, Blocking::kNo);
    } catch (const std::system_error& error) {
        throw_listening_failure(address, error.code());
    }
}

// One for each loop of the program, and all that for each of the addresses.
std::vector<int> open_listeners(const std::vector<Address>& addresses, const Settings& settings) {
    if (settings.workers == 1 && addresses.size() == 1) {
        return {open_listener_for_user(addresses.front(), settings, PortUse::kAlone)};
    }
    const PortReservations reservations{addresses};
    std::vector<int> listeners;
    for (const Address& address : reservations.addresses()) {
        for (std::uint32_t i = 0; i < settings.workers; ++i) {
            listeners.push_back(open_listener_for_user(address, settings, PortUse::kShared));
        }
    }
    return listeners;
}

}  // namespace

// Receives READY=1 from one program. Only that program inherits the other end, so no other can send it.
class Handover::ReadySocket {
public:
    ReadySocket() {
        if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends_.data()) < 0) {
            throw_errno("ready socket");
        }
    }
    ~ReadySocket() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    ReadySocket(const ReadySocket&) = delete;
    ReadySocket& operator=(const ReadySocket&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return ends_[0]; }
    [[nodiscard]] int of_program() const noexcept { return ends_[1]; }
    [[nodiscard]] bool heard() const noexcept {
        std::array<char, 256> text;
        const ssize_t size = ::recv(ends_[0], text.data(), text.size(), 0);
        return size > 0 && std::string_view{text.data(), static_cast<std::size_t>(size)}.starts_with("READY=1");
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

Handover::Handover(const Settings& settings, std::optional<LiveListener> dashboard)
    : listeners_(take_inherited_listeners()), dashboard_(std::move(dashboard)) {
    if (!listeners_.empty()) {
        return;
    }
    const std::vector<Address> addresses = listening_addresses(settings);
    if (addresses.front().family() == AF_UNIX) {
        unix_listener_.emplace(addresses.front(), static_cast<int>(settings.backlog));
        listeners_ = {unix_listener_->descriptor()};
    } else {
        listeners_ = open_listeners(addresses, settings);
    }
}

Handover::~Handover() {
    for (const int listener : listeners_) {
        ::close(listener);
    }
}

Address Handover::address() const noexcept { return local_address_of(listeners_.front()); }

int Handover::descriptor_number(std::size_t index) const noexcept {
    return Start::kFirstDescriptor + static_cast<int>(listeners_.size() + index);
}

void Handover::start(Start start) {
    starting_.reset();
    ready_ = std::make_unique<ReadySocket>();
    if (dashboard_) {
        dashboard_->add_to(start.environment, descriptor_number(start.descriptors.size()));
        start.descriptors.push_back(dashboard_->descriptor());
    }
    start.environment[ReadyNotice::kVariable] = std::to_string(descriptor_number(start.descriptors.size()));
    start.environment["NOTIFY_SOCKET"] = "";  // ours, if systemd has started us: it is this process that it waits for
    start.environment["LISTEN_FDS"] = std::to_string(listeners_.size());
    start.descriptors.insert(start.descriptors.begin(), listeners_.begin(), listeners_.end());
    start.descriptors.push_back(ready_->of_program());
    starting_ = std::make_unique<Process>(start);
}

void Handover::add_to(std::vector<pollfd>& awaited) const {
    if (starting_) {
        awaited.push_back({ready_->descriptor(), POLLIN, 0});
    }
}

Handover::News Handover::look() {
    std::erase_if(leaving_, [](const auto& program) { return program->has_ended(); });
    if (serving_ && serving_->has_ended()) {
        how_it_ended_ = serving_->how_it_ended();
        was_killed_ = !serving_->exit_status();
        serving_.reset();
        return News::kEnded;
    }
    if (starting_ && ready_->heard()) {
        if (serving_) {
            serving_->signal(SIGUSR2);
            leaving_.push_back(std::move(serving_));
        }
        serving_ = std::move(starting_);
        return News::kServes;
    }
    if (starting_ && starting_->has_ended()) {
        how_it_ended_ = starting_->how_it_ended();
        was_killed_ = !starting_->exit_status();
        starting_.reset();
        return News::kNotStarted;
    }
    return News::kNone;
}

void Handover::stop(const Signals& signals) {
    for (auto* program : {&starting_, &serving_}) {
        if (*program) {
            (*program)->signal(SIGTERM);
            leaving_.push_back(std::move(*program));
        }
    }
    while (!leaving_.empty()) {
        pollfd awaited{signals.descriptor(), POLLIN, 0};
        ::poll(&awaited, 1, -1);
        const std::vector<int> numbers = signals.take();
        if (std::any_of(numbers.begin(), numbers.end(), [](int number) { return number != SIGCHLD; })) {
            leaving_.clear();  // asked for twice: at once
        }
        std::erase_if(leaving_, [](const auto& program) { return program->has_ended(); });
    }
}

}  // namespace c10k
