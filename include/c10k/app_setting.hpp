#pragma once

#include "c10k/internal/require.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// Settings that an app declares. They stand beside those of the framework: in c10k.conf, in the environment, in --set,
// in `manage check`, and in the man page.
//
//     inline const AppSetting<std::uint32_t> kHistory{.name = "chat_history",
//                                                     .unit = "messages",
//                                                     .default_value = 100,
//                                                     .bounds = {0, 10'000},
//                                                     .reason = "What a newcomer gets to read. Each takes memory."};
//
//     struct Site {
//         static AppSettings settings() { return {kHistory}; }
//
//     services.settings.get(kHistory)  // in a view: 100, or what the user has set
namespace c10k {

// The bounds of a number, or of a time in milliseconds; both ends are allowed.
struct SettingBounds {
    std::uint64_t min = 0;
    std::uint64_t max = std::numeric_limits<std::uint32_t>::max();
};

// One word that a user can write, and what it means.
template <typename T>
struct SettingChoice {
    std::string_view word;
    T value;
};

namespace internal {

// A value as Settings keeps it; that of an enum is its word.
using SettingValue = std::variant<std::string, bool, std::uint32_t, std::chrono::milliseconds, std::chrono::seconds,
                                  std::vector<std::string>>;

template <typename T, typename Variant>
struct IsOneOf : std::false_type {};
template <typename T, typename... Types>
struct IsOneOf<T, std::variant<Types...>> : std::bool_constant<(std::same_as<T, Types> || ...)> {};

}  // namespace internal

// A setting is a text, a truth, a number, a time, a list of texts, or one of several words, which is an enum.
template <typename T>
concept SettingType = std::is_enum_v<T> || internal::IsOneOf<T, internal::SettingValue>::value;

// A setting of an app. Its texts are literals: they live as long as the program.
template <SettingType T>
struct AppSetting {
    // Lower case, digits and "_". The app's name comes first, since all apps of a site share these names.
    std::string_view name;
    // "bytes" also allows 64KiB and so on.
    std::string_view unit = {};
    T default_value = {};
    // The default where the setting `debug` is on, if that is another.
    std::optional<T> default_in_debug = std::nullopt;
    SettingBounds bounds = {};
    // Of an enum: each of its values.
    std::vector<SettingChoice<T>> choices = {};
    // What it does, and why anybody would change it: `manage check --all` prints this.
    std::string_view reason;
};

namespace internal {

template <typename T>
[[nodiscard]] SettingValue to_stored(const AppSetting<T>& setting, T value) {
    if constexpr (std::is_enum_v<T>) {
        for (const SettingChoice<T>& choice : setting.choices) {
            if (choice.value == value) {
                return std::string{choice.word};
            }
        }
        throw_mistake("AppSetting: a value of an enum is none of its choices");
    } else {
        return value;
    }
}

template <typename T>
[[nodiscard]] T from_stored(const AppSetting<T>& setting, const SettingValue& stored) {
    if constexpr (std::is_enum_v<T>) {
        for (const SettingChoice<T>& choice : setting.choices) {
            if (choice.word == std::get<std::string>(stored)) {
                return choice.value;
            }
        }
        return setting.default_value;
    } else {
        return std::get<T>(stored);
    }
}

}  // namespace internal

// Any AppSetting, as the framework reads it.
struct DeclaredSetting {
    // NOLINTNEXTLINE(google-explicit-constructor): so that AppSettings are a list of them
    template <typename T>
    DeclaredSetting(const AppSetting<T>& setting)
        : name(setting.name), unit(setting.unit), bounds(setting.bounds), reason(setting.reason),
          default_value(internal::to_stored(setting, setting.default_value)),
          default_in_debug(internal::to_stored(setting, setting.default_in_debug.value_or(setting.default_value))) {
        for (const SettingChoice<T>& choice : setting.choices) {
            choices.push_back(choice.word);
        }
    }

    std::string_view name;
    std::string_view unit;
    SettingBounds bounds;
    std::string_view reason;
    std::vector<std::string_view> choices;
    internal::SettingValue default_value;
    internal::SettingValue default_in_debug;
};

// The settings that the apps of a site declare.
using AppSettings = std::vector<DeclaredSetting>;

}  // namespace c10k
