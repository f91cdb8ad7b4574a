#include "wire/http2_frame.hpp"

#include <array>

namespace c10k::wire {
namespace {

// By their codes.
constexpr std::array<std::string_view, 14> kErrorNames{
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
};

}  // namespace

std::string_view name_of(Http2Error error) noexcept { return kErrorNames[static_cast<std::size_t>(error)]; }

Http2Error http2_error(std::uint32_t code) noexcept {
    return code < kErrorNames.size() ? static_cast<Http2Error>(code) : Http2Error::kInternalError;
}

}  // namespace c10k::wire
