#pragma once

#include <c10k/json.hpp>
#include <c10k/message.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// Reads the JSON of pages and programs. All of it throws BadMessage, whose text goes back to the sender, if something
// is not of its type.
namespace life {

[[nodiscard]] std::string_view text_of(const c10k::Message& message);
[[nodiscard]] nlohmann::json parse_object(std::string_view text);

// Members of `object`.
[[nodiscard]] bool flag_of(const nlohmann::json& object, const char* name);
[[nodiscard]] double number_of(const nlohmann::json& object, const char* name);
// A number from 0 to 2^53.
[[nodiscard]] std::uint64_t whole_number_of(const nlohmann::json& object, const char* name);
// Empty if it is null or not there.
[[nodiscard]] std::optional<std::uint64_t> optional_count_of(const nlohmann::json& object, const char* name);
// Null if it is null or not there; cut to `max_bytes`.
[[nodiscard]] nlohmann::json optional_text_of(const nlohmann::json& object, const char* name, std::size_t max_bytes);
// A number, whatever it is, moved into the range from `min` to `max`.
[[nodiscard]] int clipped_number_of(const nlohmann::json& object, const char* name, int min, int max);

}  // namespace life
