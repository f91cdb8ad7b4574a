#include "base/text.hpp"
#include "c10k/errors.hpp"
#include "c10k/http.hpp"

namespace c10k {

Parameters Request::form() const {
    const std::string_view field = headers.get("Content-Type").value_or("");
    const std::string type = to_lower(trim(field.substr(0, field.find(';'))));
    if (type.starts_with("multipart/")) {
        throw UnsupportedMediaType("This page reads application/x-www-form-urlencoded, not " + type + '.');
    }
    return method == "POST" && type == "application/x-www-form-urlencoded" ? Parameters::parse(body) : Parameters{};
}

}  // namespace c10k
