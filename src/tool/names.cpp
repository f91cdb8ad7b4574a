#include "tool/names.hpp"

#include <algorithm>
#include <array>

namespace c10k::tool {
namespace {

// C++20, [lex.key] and [lex.digraph].
constexpr auto kWordsOfCpp = std::to_array<std::string_view>({
    "alignas",     "alignof",  "and",        "and_eq",    "asm",       "auto",         "bitand",
    "bitor",       "bool",     "break",      "case",      "catch",     "char",         "char16_t",
    "char32_t",    "char8_t",  "class",      "co_await",  "co_return", "co_yield",     "compl",
    "concept",     "const",    "const_cast", "consteval", "constexpr", "constinit",    "continue",
    "decltype",    "default",  "delete",     "do",        "double",    "dynamic_cast", "else",
    "enum",        "explicit", "export",     "extern",    "false",     "float",        "for",
    "friend",      "goto",     "if",         "inline",    "int",       "long",         "mutable",
    "namespace",   "new",      "noexcept",   "not",       "not_eq",    "nullptr",      "operator",
    "or",          "or_eq",    "private",    "protected", "public",    "register",     "reinterpret_cast",
    "requires",    "return",   "short",      "signed",    "sizeof",    "static",       "static_assert",
    "static_cast", "struct",   "switch",     "template",  "this",      "thread_local", "throw",
    "true",        "try",      "typedef",    "typeid",    "typename",  "union",        "unsigned",
    "using",       "virtual",  "void",       "volatile",  "wchar_t",   "while",        "xor",
    "xor_eq",
});

// What the Site of a project uses in its own code, and folders that would be mixed up with those of an app.
constexpr auto kTakenInAProject =
    std::to_array<std::string_view>({"build", "include", "path", "services", "site", "std", "urls"});

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <std::size_t Size>
bool is_among(const std::array<std::string_view, Size>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::optional<std::string> fault_of_name(std::string_view name) {
    const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
    const std::string quoted = '"' + std::string{name} + '"';
    if (name.empty() || !is_letter(name.front()) || !std::all_of(name.begin(), name.end(), fits)) {
        return quoted + " is no name in C++: begin with a letter, go on with letters, digits and \"_\"";
    }
    if (name.find("__") != std::string_view::npos) {
        return quoted + " belongs to the compiler: names with \"__\" do, so use a single \"_\"";
    }
    if (is_among(kWordsOfCpp, name)) {
        return quoted + " is a word of C++ itself: choose another name";
    }
    if (name == "c10k") {
        return quoted + " is the library: choose another name";
    }
    return std::nullopt;
}

std::optional<std::string> fault_of_app_name(std::string_view name) {
    if (auto fault = fault_of_name(name)) {
        return fault;
    }
    if (is_among(kTakenInAProject, name)) {
        return '"' + std::string{name} + "\" stands for something else in every project: choose another name";
    }
    return std::nullopt;
}

std::string class_of_app(std::string_view app) {
    std::string name;
    bool starts_word = true;
    for (const char c : app) {
        if (c == '_') {
            starts_word = true;
            continue;
        }
        name += starts_word && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        starts_word = false;
    }
    return name + "App";
}

}  // namespace c10k::tool
