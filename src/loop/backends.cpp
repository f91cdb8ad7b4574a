#include "loop/backends.hpp"

#include "base/log.hpp"
#include "loop/epoll_backend.hpp"
#include "loop/ring.hpp"
#include "loop/uring_backend.hpp"

#include <stdexcept>
#include <system_error>

namespace c10k {

BackendChoice parse_backend(std::string_view name) {
    std::string names;
    for (const NamedBackend& one : kBackends) {
        if (one.name == name) {
            return one.choice;
        }
        names += names.empty() ? "" : &one == &kBackends.back() ? " or " : ", ";
        names += one.name;
    }
    throw std::invalid_argument("no backend '" + std::string{name} + "': use " + names);
}

std::unique_ptr<Backend> make_backend(BackendChoice choice) {
    if (choice == BackendChoice::kEpoll) {
        return std::make_unique<EpollBackend>();
    }
    try {
        return std::make_unique<UringBackend>();
    } catch (const std::system_error& error) {
        if (choice == BackendChoice::kUring) {
            throw;
        }
        static const bool said = [&] {
            log::info(std::string{"using epoll: "} + error.what());
            return true;
        }();
        static_cast<void>(said);
        return std::make_unique<EpollBackend>();
    }
}

UringReport probe_uring() {
    UringReport report;
    try {
        report.incremental_buffers = Ring{RingFeatures{}}.features().incremental_buffers;
    } catch (const std::system_error& error) {
        report.refusal = error.what();
    }
    return report;
}

}  // namespace c10k
