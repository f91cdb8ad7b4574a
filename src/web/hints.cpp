#include "web/hints.hpp"

#include <array>

namespace c10k {
namespace {

struct Row {
    std::string_view words;  // are in the text
    std::string_view hint;
};

template <std::size_t Count>
std::string_view find(const std::array<Row, Count>& rows, std::string_view text) noexcept {
    for (const Row& row : rows) {
        if (text.find(row.words) != std::string_view::npos) {
            return row.hint;
        }
    }
    return {};
}

constexpr std::array kMessages{
    Row{"array used as initializer",
        "g++ 12 cannot keep a braced list inside `co_await`. Give it a name on the line before: "
        "`const json reply{{\"user\", user}};` then `co_await socket.send(reply.dump());`"},
    Row{"undefined reference to `vtable for",
        "A class declares a virtual function that no file defines. The first one that is not inline is missing."},
    Row{"undefined reference to",
        "The function is declared but not defined: its .cpp file is not built, or the definition has other parameters "
        "or another class in front."},
    Row{"undefined symbol",
        "The function is declared but not defined: its .cpp file is not built, or the definition has other parameters "
        "or another class in front."},
    Row{"multiple definition of",
        "Two files define it. A function in a header must be `inline`, or only declared there."},
    Row{"duplicate symbol", "Two files define it. A function in a header must be `inline`, or only declared there."},
    Row{"unable to find the promise type for this coroutine",
        "A function that uses `co_await` returns `Task<>` or `Task<Response>`."},
    Row{"does not name a type", "The header that declares it is not included, or its namespace is missing."},
    Row{"has not been declared", "The header that declares it is not included, or its namespace is missing."},
    Row{"passing ‘const", "The function may change the object, but the object is `const` here."},
    Row{"use of deleted function", "The type cannot be copied. Move it, or take it by reference."},
};

constexpr std::array kExceptions{
    Row{"map::at", "`find()`, and answer 404 where there is none."},
    Row{"_M_range_check", "Compare the index with `size()` before `at()`."},
    Row{"basic_string::substr", "Compare the position with `size()` before `substr()`."},
    Row{"stoi", "`Request::query()` and `<int:name>` in a route read numbers that a client may write in any way."},
    Row{"std::bad_optional_access", "Ask the optional whether it has a value before `value()`."},
    Row{"std::bad_variant_access", "`std::get_if()`, which is null for another alternative."},
    Row{"std::bad_function_call", "The `std::function` that is called holds no function."},
};

}  // namespace

std::string_view hint_for_message(std::string_view message) noexcept { return find(kMessages, message); }

std::string_view hint_for_exception(std::string_view type, std::string_view text) noexcept {
    const std::string_view by_text = find(kExceptions, text);
    return by_text.empty() ? find(kExceptions, type) : by_text;
}

}  // namespace c10k
