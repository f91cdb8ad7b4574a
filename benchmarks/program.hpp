#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace benchmarks {

// The command line of a benchmark's program, as ./benchmarks/run writes it: --name value --name value.
class Arguments {
public:
    // Ends the program with a line on standard error if there is a name without a value.
    Arguments(int argc, char** argv);

    [[nodiscard]] std::string text(const std::string& name, std::string_view otherwise) const;
    // Ends the program with a line on standard error if the value is no number from 0 to `most`.
    [[nodiscard]] std::uint64_t number(const std::string& name, std::uint64_t otherwise,
                                       std::uint64_t most = 1'000'000'000) const;
    // --port. As above, if it is none.
    [[nodiscard]] std::uint16_t port() const { return static_cast<std::uint16_t>(number("port", 8000, 65'535)); }

private:
    std::map<std::string, std::string> values_;
};

// Ends the program with a line on standard error: a benchmark has no other way to go on.
[[noreturn]] void fail(std::string_view why);
// As above, with the text of errno.
[[noreturn]] void fail_errno(std::string_view what);

// Lets this process open as many files as it may.
void raise_file_limit();

}  // namespace benchmarks
