#include "c10k/urls.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace c10k {
namespace {

bool is_uuid(std::string_view text) {
    constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    return text.size() == kForm.size() && std::equal(text.begin(), text.end(), kForm.begin(),
                                                     [](char c, char form) { return (c == '-') == (form == '-'); });
}

// The part at the front of `text` that the converter matches; empty if none does.
std::string_view take_capture(std::string_view converter, std::string_view text) {
    const auto end = std::find_if_not(text.begin(), text.end(),
                                      [converter](char c) { return internal::converter_takes(converter, c); });
    const std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    return converter == "uuid" && !is_uuid(taken) ? std::string_view{} : taken;
}

void require_tokens(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
        if (!is_token(text)) {
            throw std::logic_error("not a token: '" + text + "'");
        }
    }
}

// Whether a link can hold the path: browsers resolve "." and ".." also if they are encoded, and a request's path is
// UTF-8 without NUL.
bool is_linkable(std::string_view path) {
    if (path.find('\0') != std::string_view::npos || repair_utf8(path) != path) {
        return false;
    }
    for (std::size_t start = 0; start <= path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        const std::string_view segment = path.substr(start, end - start);
        if (segment == "." || segment == "..") {
            return false;
        }
        start = end + 1;
    }
    return true;
}

}  // namespace

std::optional<std::uint64_t> internal::parse_digits(std::string_view digits) noexcept {
    return to_number<std::uint64_t>(digits);
}

// ---- Route

Route& Route::methods(std::vector<std::string> allowed) {
    if (!is_page()) {
        throw std::logic_error("the WebSocket route '" + pattern_ + "' takes GET only");
    }
    require_tokens(allowed);
    const auto has = [&allowed](std::string_view method) {
        return std::find(allowed.begin(), allowed.end(), method) != allowed.end();
    };
    if (has("GET") && !has("HEAD")) {
        allowed.emplace_back("HEAD");
    }
    methods_ = std::move(allowed);
    return *this;
}

Route& Route::subprotocols(std::vector<std::string> ours) {
    if (is_page()) {
        throw std::logic_error("the page '" + pattern_ + "' has no subprotocols");
    }
    require_tokens(ours);
    subprotocols_ = std::move(ours);
    return *this;
}

Route& Route::compression(const Compression& ours) {
    if (is_page()) {
        throw std::logic_error("the page '" + pattern_ + "' has no messages to compress; see gzip()");
    }
    if (!ours.is_possible()) {
        throw std::logic_error("'" + pattern_ + "': a window to compress with has 8 to 15 bits");
    }
    compression_ = ours;
    return *this;
}

Route& Route::slow_member(SlowMember policy) {
    if (is_page()) {
        throw std::logic_error("the page '" + pattern_ + "' has no members");
    }
    slow_member_ = policy;
    return *this;
}

void Route::put_under(std::string_view prefix, std::string_view name_space) {
    pattern_.insert(0, prefix);
    if (!name_.empty() && !name_space.empty()) {
        name_.insert(0, std::string{name_space} + ':');
    }
}

void Route::put_inside(const std::vector<Middleware>& outer) {
    middleware_.insert(middleware_.begin(), outer.begin(), outer.end());
}

std::optional<std::vector<std::string_view>> Route::match(std::string_view path) const {
    std::vector<std::string_view> texts;
    for (internal::PatternReader pieces{pattern_}; !pieces.at_end();) {
        const internal::PatternPiece piece = pieces.next();
        if (!piece.is_capture()) {
            if (!path.starts_with(piece.literal)) {
                return std::nullopt;
            }
            path.remove_prefix(piece.literal.size());
            continue;
        }
        const std::string_view text = take_capture(piece.converter, path);
        if (text.empty()) {
            return std::nullopt;
        }
        texts.push_back(text);
        path.remove_prefix(text.size());
    }
    if (!path.empty() || !accepts_(texts)) {
        return std::nullopt;
    }
    return texts;
}

std::optional<std::string> Route::fill(std::span<const std::string> texts) const {
    std::string path;
    std::size_t filled = 0;
    for (internal::PatternReader pieces{pattern_}; !pieces.at_end();) {
        const internal::PatternPiece piece = pieces.next();
        if (!piece.is_capture()) {
            path += piece.literal;
        } else if (filled < texts.size()) {
            path += texts[filled++];
        } else {
            return std::nullopt;
        }
    }
    const auto captured = filled == texts.size() ? match(path) : std::nullopt;
    if (!captured || !is_linkable(path) ||
        !std::equal(captured->begin(), captured->end(), texts.begin(), texts.end())) {
        return std::nullopt;
    }
    return encode_path(path);
}

// ---- Urls

Urls::Urls(std::initializer_list<Item> items) {
    for (const Item& item : items) {
        middleware_.insert(middleware_.end(), item.middleware.begin(), item.middleware.end());
        for (Route route : item.urls) {
            route.put_inside(item.urls.middleware_);
            routes_.push_back(std::move(route));
        }
    }
}

std::string Urls::reverse_texts(std::string_view name, std::span<const std::string> texts) const {
    bool known = false;
    for (const Route& route : routes_) {
        if (name.empty() || route.name() != name) {
            continue;
        }
        known = true;
        if (auto path = route.fill(texts)) {
            return *path;
        }
    }
    std::string arguments;
    for (const std::string& text : texts) {
        arguments += (arguments.empty() ? "'" : ", '") + text + '\'';
    }
    throw std::logic_error(known ? "no route named '" + std::string{name} + "' takes (" + arguments + ')'
                                 : "no route is named '" + std::string{name} + '\'');
}

Urls path(internal::PathPrefix prefix, internal::Included included) {
    for (Route& route : included.urls.routes_) {
        route.put_under(prefix.text(), included.name_space);
    }
    return std::move(included.urls);
}

}  // namespace c10k
