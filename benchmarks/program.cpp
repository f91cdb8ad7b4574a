#include "program.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/resource.h>

namespace benchmarks {

Arguments::Arguments(int argc, char** argv) {
    for (int i = 1; i < argc; i += 2) {
        const std::string_view name = argv[i];
        if (!name.starts_with("--") || i + 1 == argc) {
            fail("expected --name value, not " + std::string{name});
        }
        values_[std::string{name.substr(2)}] = argv[i + 1];
    }
}

std::string Arguments::text(const std::string& name, std::string_view otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string{otherwise} : found->second;
}

std::uint64_t Arguments::number(const std::string& name, std::uint64_t otherwise, std::uint64_t most) const {
    const auto found = values_.find(name);
    if (found == values_.end()) {
        return otherwise;
    }
    const std::string& text = found->second;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > most) {
        fail("--" + name + " needs a number from 0 to " + std::to_string(most) + ", not " + text);
    }
    return value;
}

void fail(std::string_view why) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
    std::exit(1);
}

void fail_errno(std::string_view what) { fail(std::string{what} + ": " + std::strerror(errno)); }

void raise_file_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace benchmarks
