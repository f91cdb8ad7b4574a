#include "loop/backends.hpp"

#include "loop/epoll_backend.hpp"

#include <stdexcept>
#include <string>

namespace c10k {

BackendChoice parse_backend(std::string_view name) {
    if (name == "auto") {
        return BackendChoice::kAuto;
    }
    if (name == "epoll") {
        return BackendChoice::kEpoll;
    }
    throw std::invalid_argument("no backend '" + std::string{name} + "' in this build: use auto or epoll");
}

std::unique_ptr<Backend> make_backend(BackendChoice /*choice*/) { return std::make_unique<EpollBackend>(); }

}  // namespace c10k
