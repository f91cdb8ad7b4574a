#include "tool/names.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace c10k::tool {
namespace {

// C++20, [lex.key] and [lex.digraph]; and one more of g++ and clang++.
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
    "typeof",      "xor_eq",
});

// Names that a project's Site uses in its own code, and folders that would be confused with those of an app.
constexpr auto kTakenInAProject = std::to_array<std::string_view>(
    {"Site", "build", "include", "middleware", "path", "services", "site", "std", "urls"});

// Macros in lower case from g++, the headers of C, C++ and POSIX, and GoogleTest.
constexpr auto kMacros = std::to_array<std::string_view>({
    "alloca",     "assert",    "assert_perror", "errno",    "i386",     "issubnormal",      "linux",
    "major",      "makedev",   "minor",         "offsetof", "setjmp",   "math_errhandling", "sched_priority",
    "sigmask",    "sigsetjmp", "st_atime",      "st_ctime", "st_mtime", "stderr",           "stdin",
    "stdout",     "strdupa",   "strndupa",      "timeradd", "timercmp", "timersub",         "timerclear",
    "timerisset", "unix",      "va_arg",        "va_copy",  "va_end",   "va_start",
});

// Macros that are only partly in capitals begin with these: PRId64, SYS_read, M_PIf.
constexpr auto kBeginningsOfMacros = std::to_array<std::string_view>(
    {"AF_", "GTEST_", "L_", "M_", "PF_", "PRI", "P_", "SCN", "SYS_", "pthread_", "s6_", "sa_", "si_", "sigev_"});

// CMake, ninja or the compiler fails if the path of a project holds one of these. With some, ninja misreads which
// headers a file includes, and builds everything each time.
constexpr std::string_view kNotInAFolder = "#[];\"\\$<>|*?'&^`";

template <std::size_t Size>
bool is_among(const std::array<std::string_view, Size>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_macro(std::string_view name) {
    return std::none_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; }) ||
           is_among(kMacros, name) ||
           std::any_of(kBeginningsOfMacros.begin(), kBeginningsOfMacros.end(),
                       [name](std::string_view begin) { return name.starts_with(begin); });
}

}  // namespace

std::optional<std::string> fault_of_project_name(std::string_view name) {
    const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
    const std::string quoted = '"' + std::string{name} + '"';
    if (name.empty() || !is_letter(name.front()) || !std::all_of(name.begin(), name.end(), fits)) {
        return quoted + " is not a name in C++: begin with a letter, go on with letters, digits and \"_\"";
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
    if (auto fault = fault_of_project_name(name)) {
        return fault;
    }
    if (is_among(kTakenInAProject, name)) {
        return '"' + std::string{name} + "\" stands for something else in every project: choose another name";
    }
    if (is_macro(name)) {
        return '"' + std::string{name} +
               "\" may be a macro, as EOF and unix are: choose another name, in small letters";
    }
    if (name.ends_with("App")) {
        return '"' + std::string{name} + "\" is the form of an app's class name: leave out \"App\"";
    }
    return std::nullopt;
}

std::optional<std::string> fault_of_folder(std::string_view path) {
    for (const char c : path) {
        const bool is_control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
        if (is_control || kNotInAFolder.find(c) != std::string_view::npos) {
            const std::string what = c == '\n' ? "a line break" : is_control ? "a control character" : std::string{c};
            return "The path of the project has " + what +
                   ", which CMake, ninja or g++ cannot handle: name another folder";
        }
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
