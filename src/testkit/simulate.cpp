// Runs simulations by the thousand: chooses the seeds, and reports one that fails.
#include "c10k/simulation.hpp"
#include "testkit/failure_recorder.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <optional>

namespace c10k::testkit {
namespace {

std::optional<std::uint64_t> number_in(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr) {
        return std::nullopt;
    }
    const std::string_view digits{text};
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
        throw std::invalid_argument(std::string{variable} + " is no number: '" + text + "'");
    }
    return number;
}

// How this program was called.
std::string command_line() {
    std::ifstream file{"/proc/self/cmdline", std::ios::binary};
    std::string words{std::istreambuf_iterator<char>{file}, {}};
    std::string line;
    for (std::size_t begin = 0; begin < words.size();) {
        const std::size_t end = std::min(words.find('\0', begin), words.size());
        const std::string word = words.substr(begin, end - begin);
        const bool is_plain = word.find_first_of(" *?'\"\\$&|;<>()[]{}") == std::string::npos;
        line += ' ' + (is_plain ? word : '\'' + word + '\'');
        begin = end + 1;
    }
    return line;
}

// Runs the body; returns the failure, empty if there is none.
std::string play(const SimulationOptions& options, const std::function<void(Simulation&)>& body,
                 Simulation& simulation) {
    try {
        body(simulation);
    } catch (...) {
        return text_of(std::current_exception());
    }
    return options.failed && options.failed() ? "what the test looks for is wrong" : "";
}

}  // namespace

SimulationReport run_simulations(const SimulationOptions& options, const std::function<void(Simulation&)>& body,
                                 const std::function<bool()>& gtest_failed) {
    const std::optional<std::uint64_t> only = number_in("C10K_SEED");
    const std::uint64_t first = only.value_or(options.first_seed);
    const std::uint64_t count = only ? 1 : number_in("C10K_SEEDS").value_or(options.seeds);
    const bool had_failed = gtest_failed();
    SimulationReport report;
    for (; report.seeds < count; ++report.seeds) {
        const std::uint64_t seed = first + report.seeds;
        Simulation simulation{seed, options};
        std::string reason = play(options, body, simulation);
        const bool has_gtest_failed = !had_failed && gtest_failed();
        if (reason.empty() && !has_gtest_failed && !simulation.has_run()) {
            reason = "the test has not called run()";
        }
        if (!reason.empty() || has_gtest_failed) {
            const std::string text = "Seed " + std::to_string(seed) + " fails" + (reason.empty() ? "" : ": " + reason) +
                                     "\nTo see it again: C10K_SEED=" + std::to_string(seed) + " C10K_TRACE=1" +
                                     command_line();
            if (!reason.empty()) {
                throw SimulationFailed(seed, reason, text);
            }
            std::fprintf(stderr, "%s\n", text.c_str());
            return report;
        }
        report.trace = (report.trace ^ simulation.trace()) * 0x100000001B3;
        report.faults += simulation.faults();
    }
    return report;
}

}  // namespace c10k::testkit
