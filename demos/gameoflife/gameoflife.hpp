#pragma once

#include "gameoflife/grid.hpp"
#include "gameoflife/players.hpp"
#include "gameoflife/start.hpp"

#include <c10k/manage.hpp>
#include <c10k/spread.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace life {

// `manage gameoflife`: the cells of a game, one WebSocket client each, and of further games that pages ask for.
class GameOfLife final : public c10k::Command {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "gameoflife"; }
    [[nodiscard]] std::string_view help() const noexcept override;
    void declare_options(c10k::CommandOptions& options) override;
    c10k::Task<> run() override;

private:
    void check_options();
    void check_dump() const;
    [[nodiscard]] Connections connections() const noexcept {
        return spread_.http2() ? Connections::kShared : Connections::kOwn;
    }
    [[nodiscard]] Edges edges() const noexcept { return flat_ ? Edges::kFlat : Edges::kWrapped; }
    [[nodiscard]] Start first_start();
    [[nodiscard]] GameOptions options_for(const Start& start) const;
    // Plays one game after the other on the same connections, beginning with `start`, which becomes that of the last.
    // Returns the next game that needs others, if any.
    c10k::Task<std::optional<Start>> play(Start& start);
    c10k::Task<> reset_server(int size);
    void save(const Grid& grid, Edges edges) const;

    int size_ = 32;
    std::string pattern_;
    bool top_left_ = false;
    bool flat_ = false;
    std::optional<std::uint64_t> steps_;
    bool stays_ = false;
    double speed_ = 1.0;
    double jitter_ = 0;
    std::string url_ = "ws://127.0.0.1:8000";
    c10k::EndpointOptions endpoint_;
    c10k::Spread spread_;
    std::optional<std::uint64_t> seed_;
    std::string dump_;
    bool verifies_ = false;
};

}  // namespace life
