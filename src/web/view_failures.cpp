#include "web/view_failures.hpp"

#include "c10k/blocking.hpp"
#include "c10k/close_code.hpp"
#include "c10k/json.hpp"

#include <utility>

namespace c10k {

std::optional<HttpError> wanted_error(const Request& request, std::exception_ptr failure) {
    try {
        std::rethrow_exception(std::move(failure));
    } catch (const HttpError& wanted) {
        return wanted;
    } catch (const BlockingQueueFull& full) {
        return HttpError{503, full.what()};
    } catch (const nlohmann::json::type_error& unexpected) {
        return request.json_was_read ? std::optional{BadRequest(unexpected.what())} : std::nullopt;
    } catch (const nlohmann::json::out_of_range& missing) {
        return request.json_was_read ? std::optional{BadRequest(missing.what())} : std::nullopt;
    } catch (...) {
        return std::nullopt;
    }
}

std::uint16_t close_code_for(std::exception_ptr failure) {
    try {
        std::rethrow_exception(std::move(failure));
    } catch (const HttpError& error) {
        return error.status() < 500 ? CloseCode::kPolicyViolation : CloseCode::kInternalError;
    } catch (const BlockingQueueFull&) {
        return CloseCode::kTryAgainLater;
    } catch (...) {
        return CloseCode::kInternalError;
    }
}

}  // namespace c10k
