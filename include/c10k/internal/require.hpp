#pragma once

// `using namespace c10k` does not bring this name: a site may have a require() of its own.
namespace c10k::internal {

// Throws std::logic_error: the caller has made the mistake that `sentence` names.
[[noreturn]] void throw_mistake(const char* sentence);

// Checks what a function requires of its caller, in every build. Throws std::logic_error.
constexpr void require(bool is_so, const char* sentence) {
    if (!is_so) [[unlikely]] {
        throw_mistake(sentence);
    }
}

}  // namespace c10k::internal
