#include "wire/extensions.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace c10k::wire {
namespace {

constexpr std::string_view kServerNoContextTakeover = "server_no_context_takeover";
constexpr std::string_view kClientNoContextTakeover = "client_no_context_takeover";
constexpr std::string_view kServerMaxWindowBits = "server_max_window_bits";
constexpr std::string_view kClientMaxWindowBits = "client_max_window_bits";

// Reads one field of the grammar of RFC 6455, 9.1. Each character is looked at once, or twice at the end of a token.
class ListReader {
public:
    explicit ListReader(std::string_view text) noexcept : rest_(text) {}

    // Appends the extensions that the field names; returns false if it is not a list of extensions. Ignores empty
    // members (RFC 9110, 5.6.1.2).
    bool read(std::vector<Extension>& extensions) {
        for (;;) {
            while (take(',')) {
            }
            if (rest_.empty()) {
                return true;
            }
            Extension extension;
            if (!read_extension(extension)) {
                return false;
            }
            extensions.push_back(std::move(extension));
            if (!rest_.empty() && !take(',')) {
                return false;
            }
        }
    }

private:
    bool read_extension(Extension& extension) {
        extension.name = take_token();
        if (extension.name.empty()) {
            return false;
        }
        while (take(';')) {
            Extension::Parameter parameter{take_token(), std::nullopt};
            if (parameter.name.empty()) {
                return false;
            }
            if (take('=')) {
                parameter.value = take('"') ? take_quoted() : std::string{take_token()};
                if (parameter.value->empty()) {
                    return false;
                }
            }
            extension.parameters.push_back(std::move(parameter));
        }
        skip_space();
        return true;
    }

    void skip_space() noexcept { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

    bool take(char wanted) noexcept {
        skip_space();
        if (!rest_.starts_with(wanted)) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    // Empty if there is none.
    std::string_view take_token() noexcept {
        skip_space();
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
        const std::string_view token = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
        rest_.remove_prefix(token.size());
        return token;
    }

    // The text up to the closing quote, after the opening one; empty unless it is a token, as it has to be.
    std::string take_quoted() {
        std::string token;
        while (!rest_.empty() && rest_.front() != '"') {
            rest_.remove_prefix(rest_.front() == '\\' ? 1 : 0);
            if (rest_.empty() || !is_token_char(rest_.front())) {
                return {};
            }
            token += rest_.front();
            rest_.remove_prefix(1);
        }
        if (rest_.empty()) {
            return {};
        }
        rest_.remove_prefix(1);
        return token;
    }

    std::string_view rest_;
};

// 8 to 15, without a leading zero (RFC 7692, 7.1.2).
std::optional<std::uint8_t> to_window_bits(const std::optional<std::string>& value) {
    const auto bits = value && !value->starts_with('0') ? to_number<std::uint8_t>(*value) : std::nullopt;
    return bits && *bits >= 8 && *bits <= kMaxWindowBits ? bits : std::nullopt;
}

// Empty if a parameter is unknown, invalid or repeated. `client_bits` is the meaning of client_max_window_bits without
// a value; empty if it must have one.
std::optional<DeflateParameters> read_parameters(const Extension& extension, std::optional<std::uint8_t> client_bits) {
    DeflateParameters read;
    const auto set_flag = [](bool& flag, const Extension::Parameter& parameter) {
        return !parameter.value && !std::exchange(flag, true);
    };
    const auto set_bits = [](std::optional<std::uint8_t>& bits, std::optional<std::uint8_t> value) {
        return value && !std::exchange(bits, value);
    };
    for (const Extension::Parameter& parameter : extension.parameters) {
        bool is_right = false;
        if (parameter.name == kServerNoContextTakeover) {
            is_right = set_flag(read.server_no_context_takeover, parameter);
        } else if (parameter.name == kClientNoContextTakeover) {
            is_right = set_flag(read.client_no_context_takeover, parameter);
        } else if (parameter.name == kServerMaxWindowBits) {
            is_right = set_bits(read.server_max_window_bits, to_window_bits(parameter.value));
        } else if (parameter.name == kClientMaxWindowBits) {
            is_right =
                set_bits(read.client_max_window_bits, parameter.value ? to_window_bits(parameter.value) : client_bits);
        }
        if (!is_right) {
            return std::nullopt;
        }
    }
    return read;
}

// Whether a server may give this answer to `offer` (RFC 7692, 7.1): it grants everything that the client asked for, and
// asks for no more than the client offered.
bool answers(const DeflateParameters& answer, const DeflateParameters& offer) {
    return (answer.server_no_context_takeover || !offer.server_no_context_takeover) &&
           answer.server_max_window_bits.value_or(kMaxWindowBits) <=
               offer.server_max_window_bits.value_or(kMaxWindowBits) &&
           answer.client_max_window_bits.value_or(0) <= offer.client_max_window_bits.value_or(0);
}

// zlib, with which most peers compress, makes streams for 9 bits when it is asked for 8, or none at all.
constexpr std::uint8_t kMinWantedBits = 9;

std::uint8_t wanted_bits(const Compression& ours) { return std::max(ours.window_bits, kMinWantedBits); }

}  // namespace

std::optional<std::vector<Extension>> parse_extensions(const Headers& headers) {
    std::vector<Extension> extensions;
    for (const auto& [name, value] : headers) {
        if (iequals(name, kExtensionsField) && !ListReader{value}.read(extensions)) {
            return std::nullopt;
        }
    }
    return extensions;
}

std::string to_text(const DeflateParameters& parameters) {
    std::string text{kPermessageDeflate};
    const auto add = [&text](std::string_view name) { text.append("; ").append(name); };
    if (parameters.server_no_context_takeover) {
        add(kServerNoContextTakeover);
    }
    if (parameters.client_no_context_takeover) {
        add(kClientNoContextTakeover);
    }
    if (parameters.server_max_window_bits) {
        add(kServerMaxWindowBits);
        text += '=' + std::to_string(*parameters.server_max_window_bits);
    }
    if (parameters.client_max_window_bits) {
        add(kClientMaxWindowBits);
        if (parameters.client_max_window_bits != kMaxWindowBits) {
            text += '=' + std::to_string(*parameters.client_max_window_bits);
        }
    }
    return text;
}

std::string to_text(std::span<const DeflateParameters> offers) {
    std::string text;
    for (const DeflateParameters& offer : offers) {
        text.append(text.empty() ? "" : ", ").append(to_text(offer));
    }
    return text;
}

std::optional<DeflateParameters> find_deflate_offer(std::span<const Extension> offers) {
    for (const Extension& offer : offers) {
        if (offer.name == kPermessageDeflate) {
            if (const auto read = read_parameters(offer, kMaxWindowBits)) {
                return read;
            }
        }
    }
    return std::nullopt;
}

DeflateParameters answer_deflate(const DeflateParameters& offer, const Compression& ours) {
    const bool takes_over = ours.context_takeover == ContextTakeover::kYes;
    const std::uint8_t most_bits = wanted_bits(ours);
    DeflateParameters answer;
    answer.server_no_context_takeover = offer.server_no_context_takeover || !takes_over;
    answer.client_no_context_takeover = offer.client_no_context_takeover || !takes_over;
    if (offer.server_max_window_bits || most_bits < kMaxWindowBits) {
        answer.server_max_window_bits = std::min(offer.server_max_window_bits.value_or(kMaxWindowBits), most_bits);
    }
    const std::uint8_t client_bits = std::min(offer.client_max_window_bits.value_or(kMaxWindowBits), most_bits);
    if (client_bits == kMaxWindowBits) {
        return answer;
    }
    if (offer.client_max_window_bits) {
        answer.client_max_window_bits = client_bits;
    } else {
        // A client that cannot limit its window would make us keep more than we want to: so it keeps none at all.
        answer.client_no_context_takeover = true;
    }
    return answer;
}

std::vector<DeflateParameters> offer_deflate(const Compression& ours) {
    const bool takes_over = ours.context_takeover == ContextTakeover::kYes;
    const std::uint8_t bits = wanted_bits(ours);
    DeflateParameters wanted;
    wanted.server_no_context_takeover = !takes_over;
    wanted.client_no_context_takeover = !takes_over;
    if (bits < kMaxWindowBits) {
        wanted.server_max_window_bits = bits;
    }
    wanted.client_max_window_bits = bits;
    const DeflateParameters undemanding{.client_max_window_bits = kMaxWindowBits};
    return wanted == undemanding ? std::vector{wanted} : std::vector{wanted, undemanding};
}

std::optional<DeflateParameters> read_deflate_answer(const Extension& answer,
                                                     std::span<const DeflateParameters> offers) {
    if (answer.name != kPermessageDeflate) {
        return std::nullopt;
    }
    auto agreed = read_parameters(answer, std::nullopt);
    const auto is_answered = [&agreed](const DeflateParameters& offer) { return answers(*agreed, offer); };
    if (!agreed || std::none_of(offers.begin(), offers.end(), is_answered)) {
        return std::nullopt;
    }
    // Our own window may be smaller than the server would accept.
    const DeflateParameters& wanted = offers.front();
    agreed->client_no_context_takeover |= wanted.client_no_context_takeover;
    if (wanted.client_max_window_bits) {
        agreed->client_max_window_bits =
            std::min(agreed->client_max_window_bits.value_or(kMaxWindowBits), *wanted.client_max_window_bits);
    }
    return agreed;
}

}  // namespace c10k::wire
