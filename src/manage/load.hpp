#pragma once

#include "c10k/client.hpp"
#include "c10k/manage.hpp"
#include "c10k/spread.hpp"
#include "load/plan.hpp"
#include "load/run_load.hpp"
#include "load/threshold.hpp"

#include <string>
#include <vector>

namespace c10k {

// `manage load`: load for any WebSocket server, and how it bears it.
class LoadCommand final : public Command {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "load"; }
    [[nodiscard]] std::string_view help() const noexcept override;
    void declare_options(CommandOptions& options) override;
    Task<> run() override;

private:
    void declare_schedule(CommandOptions& options);
    void declare_messages(CommandOptions& options);
    void declare_connection(CommandOptions& options);
    void declare_results(CommandOptions& options);

    // What the options have in common with each other, and with the machine. Throws CommandError.
    void check();
    void read_script();
    [[nodiscard]] Endpoint endpoint(std::function<void(Duration)> on_opened) const;
    // Prints the outcome, and throws CommandError if it is not what it should be.
    void report(const load::Outcome& outcome) const;

    load::Plan plan_;
    EndpointOptions endpoint_;
    Spread spread_;
    std::size_t handshakes_ = 1024;
    std::string script_file_;
    std::string histogram_file_;
    std::vector<load::Threshold> thresholds_;
    bool is_text_ = false;
    bool is_binary_ = false;
    bool is_insecure_ = false;
    bool is_compressed_ = false;
    bool is_json_ = false;
    bool is_quiet_ = false;
};

}  // namespace c10k
