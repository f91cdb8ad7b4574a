#pragma once

#include <stdexcept>
#include <string>

namespace c10k {

// Thrown by a view, to answer with an error page of that status. The text is for the debug page: others do not see it.
class HttpError : public std::runtime_error {
public:
    // Requires: 400 <= status <= 599. Throws std::logic_error otherwise.
    HttpError(int status, const std::string& text);

    [[nodiscard]] int status() const noexcept { return status_; }

private:
    int status_;
};

class NotFound : public HttpError {
public:
    explicit NotFound(const std::string& text = "") : HttpError(404, text) {}
};

class PermissionDenied : public HttpError {
public:
    explicit PermissionDenied(const std::string& text = "") : HttpError(403, text) {}
};

class BadRequest : public HttpError {
public:
    explicit BadRequest(const std::string& text = "") : HttpError(400, text) {}
};

class UnsupportedMediaType : public HttpError {
public:
    explicit UnsupportedMediaType(const std::string& text = "") : HttpError(415, text) {}
};

}  // namespace c10k
