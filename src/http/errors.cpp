#include "c10k/errors.hpp"

namespace c10k {

HttpError::HttpError(int status, const std::string& text) : std::runtime_error(text), status_(status) {
    if (status < 400 || status > 599) {
        throw std::logic_error("HttpError: an error has a status from 400 to 599, not " + std::to_string(status));
    }
}

}  // namespace c10k
