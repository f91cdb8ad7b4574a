#include "c10k/web.hpp"

#include <nlohmann/json.hpp>

namespace c10k {

nlohmann::json Request::json() const {
    try {
        return nlohmann::json::parse(body);
    } catch (const nlohmann::json::parse_error& error) {
        throw BadRequest(error.what());
    }
}

Response Response::json(const nlohmann::json& value, int status) {
    return {status,
            {{"Content-Type", "application/json"}},
            value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

}  // namespace c10k
