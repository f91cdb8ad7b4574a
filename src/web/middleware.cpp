#include "c10k/middleware.hpp"

namespace c10k {
namespace {

Task<Response> ready(Response response) { co_return response; }

}  // namespace

Task<Response> Next<Request>::operator()(Request& request) const {
    PageAnswer answer = (*inner_)(request, captures_);
    if (auto* task = std::get_if<Task<Response>>(&answer)) {
        return std::move(*task);
    }
    return ready(std::get<Response>(std::move(answer)));
}

}  // namespace c10k
