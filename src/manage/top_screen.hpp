#pragma once

#include <cstddef>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace c10k {

// The figures of a dashboard as lines of text. What the server says is made printable: nothing in it commands the
// terminal. A server that says something else than a dashboard shows nothing wrong, only zeros and dashes.
class TopScreen {
public:
    struct Size {
        std::size_t columns = 80;
        std::size_t rows = 24;
    };

    void hello(const nlohmann::json& hello);
    void figures(const nlohmann::json& figures);
    // Why there are no new figures; "" if there are.
    void set_trouble(std::string trouble) { trouble_ = std::move(trouble); }
    // By so many routes.
    void scroll(int rows);

    // Exactly as many lines as fit, without their ends.
    [[nodiscard]] std::vector<std::string> lines(Size size) const;
    // The totals in one line.
    [[nodiscard]] std::string line() const;

private:
    static constexpr std::size_t kKept = 120;  // seconds of the small plots

    [[nodiscard]] std::vector<std::string> totals(std::size_t columns) const;
    [[nodiscard]] std::vector<std::string> loops() const;
    [[nodiscard]] std::vector<std::string> routes() const;

    nlohmann::json hello_ = nlohmann::json::object();
    nlohmann::json figures_ = nlohmann::json::object();
    std::deque<double> messages_;
    std::deque<double> delays_;
    std::string trouble_ = "Waiting for figures";
    std::size_t first_route_ = 0;
};

}  // namespace c10k
