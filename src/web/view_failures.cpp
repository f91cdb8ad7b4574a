#include "web/view_failures.hpp"

#include "c10k/json.hpp"

#include <utility>

namespace c10k {

std::optional<HttpError> wanted_error(const Request& request, std::exception_ptr failure) {
    try {
        std::rethrow_exception(std::move(failure));
    } catch (const HttpError& wanted) {
        return wanted;
    } catch (const nlohmann::json::type_error& unexpected) {
        return request.json_was_read ? std::optional{BadRequest(unexpected.what())} : std::nullopt;
    } catch (const nlohmann::json::out_of_range& missing) {
        return request.json_was_read ? std::optional{BadRequest(missing.what())} : std::nullopt;
    } catch (...) {
        return std::nullopt;
    }
}

bool is_peers_fault(std::exception_ptr failure) {
    try {
        std::rethrow_exception(std::move(failure));
    } catch (const HttpError& error) {
        return error.status() < 500;
    } catch (...) {
        return false;
    }
}

}  // namespace c10k
