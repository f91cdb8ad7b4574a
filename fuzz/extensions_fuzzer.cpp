// Sec-WebSocket-Extensions (RFC 6455, 9.1) and what comes of it (RFC 7692, 7.1). Each line of an input is a field; its
// first byte says what our side wants.

#include "require.hpp"
#include "wire/extensions.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace c10k;
using namespace c10k::wire;
using fuzz::require;

// The same grammar as simply as it can be read: each extension with its parameters as "name;name=value;...".
class Model {
public:
    explicit Model(std::string_view field) : field_(field) {}

    // Empty if the field is no list of extensions.
    std::optional<std::vector<std::string>> read() {
        std::vector<std::string> extensions;
        while (skip(), at_ < field_.size()) {
            if (field_[at_] == ',') {
                ++at_;
                continue;
            }
            std::string extension = token();
            bool good = !extension.empty();
            while (good && (skip(), at_ < field_.size() && field_[at_] == ';')) {
                ++at_;
                const std::string name = token();
                good = !name.empty();
                extension += ';' + name;
                if (skip(), at_ < field_.size() && field_[at_] == '=') {
                    ++at_;
                    const std::string value = (skip(), at_ < field_.size() && field_[at_] == '"') ? quoted() : token();
                    good = good && !value.empty();
                    extension += '=' + value;
                }
            }
            if (!good || (skip(), at_ < field_.size() && field_[at_] != ',')) {
                return std::nullopt;
            }
            extensions.push_back(extension);
        }
        return extensions;
    }

private:
    // RFC 9110, 5.6.2.
    static bool is_token_char(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
    }
    void skip() {
        while (at_ < field_.size() && (field_[at_] == ' ' || field_[at_] == '\t')) {
            ++at_;
        }
    }
    std::string token() {
        skip();
        std::string text;
        while (at_ < field_.size() && is_token_char(field_[at_])) {
            text += field_[at_++];
        }
        return text;
    }
    std::string quoted() {
        std::string text;
        for (++at_; at_ < field_.size() && field_[at_] != '"'; ++at_) {
            at_ += field_[at_] == '\\' ? 1 : 0;
            if (at_ == field_.size() || !is_token_char(field_[at_])) {
                return {};
            }
            text += field_[at_];
        }
        return at_++ < field_.size() ? text : std::string{};
    }

    std::string_view field_;
    std::size_t at_ = 0;
};

std::string text_of(const Extension& extension) {
    std::string text{extension.name};
    for (const auto& [name, value] : extension.parameters) {
        text += ';' + std::string{name} + (value ? '=' + *value : "");
    }
    return text;
}

bool is_window(const std::optional<std::uint8_t>& bits) { return !bits || (*bits >= 8 && *bits <= 15); }

std::uint8_t wanted_bits(const Compression& ours) { return std::max<std::uint8_t>(ours.window_bits, 9); }

// Both sides of a negotiation that begins with `offer` agree.
void negotiate(const DeflateParameters& offer, const Compression& ours) {
    require(is_window(offer.server_max_window_bits) && is_window(offer.client_max_window_bits), "windows are checked");
    const DeflateParameters answer = answer_deflate(offer, ours);
    Headers headers{{std::string{kExtensionsField}, to_text(answer)}};
    const auto parsed = parse_extensions(headers);
    require(parsed && parsed->size() == 1, "an answer is one extension");
    const auto agreed = read_deflate_answer(parsed->front(), {&offer, 1});
    require(agreed.has_value(), "the client takes the answer to its offer");
    require(answer.server_max_window_bits.value_or(15) <= wanted_bits(ours), "no window is larger than we want");
    require(agreed->server_max_window_bits == answer.server_max_window_bits &&
                agreed->server_no_context_takeover == answer.server_no_context_takeover,
            "both sides know what the server does");
    require(agreed->client_max_window_bits.value_or(15) <= answer.client_max_window_bits.value_or(15) &&
                agreed->client_no_context_takeover >= answer.client_no_context_takeover,
            "the client does no more than the server takes");

    const Headers offered{{std::string{kExtensionsField}, to_text(offer_deflate(ours))}};
    require(find_deflate_offer(parse_extensions(offered).value()) == offer_deflate(ours).front(),
            "we understand our own offer");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    std::string_view input(reinterpret_cast<const char*>(data), size);
    const Compression ours{.from_bytes = 0,
                           .context_takeover = (input[0] & 1) != 0 ? ContextTakeover::kYes : ContextTakeover::kNo,
                           .window_bits = static_cast<std::uint8_t>(8 + (input[0] >> 1 & 7))};
    input.remove_prefix(1);

    Headers headers;
    std::optional<std::vector<std::string>> expected = std::vector<std::string>{};
    while (!input.empty()) {
        const std::string_view field = input.substr(0, input.find('\n'));
        input.remove_prefix(std::min(input.size(), field.size() + 1));
        headers.add("sec-websocket-extensions", field);
        auto more = Model(field).read();
        if (expected && more) {
            expected->insert(expected->end(), more->begin(), more->end());
        } else {
            expected.reset();
        }
    }
    const auto parsed = parse_extensions(headers);
    require(parsed.has_value() == expected.has_value(), "what is no list is refused, and nothing else");
    if (!parsed) {
        return 0;
    }
    require(parsed->size() == expected->size(), "there are as many");
    for (std::size_t i = 0; i < parsed->size(); ++i) {
        require(text_of((*parsed)[i]) == (*expected)[i], "they are what the grammar says");
        // Whatever a server answers must not break a client.
        if (const auto agreed = read_deflate_answer((*parsed)[i], offer_deflate(ours))) {
            require(is_window(agreed->server_max_window_bits) && is_window(agreed->client_max_window_bits),
                    "windows are checked");
            require(agreed->client_max_window_bits.value_or(15) <= wanted_bits(ours), "a client keeps to its wish");
        }
    }
    if (const auto offer = find_deflate_offer(*parsed)) {
        negotiate(*offer, ours);
    }
    return 0;
}
