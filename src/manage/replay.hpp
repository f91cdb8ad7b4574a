#pragma once

#include "c10k/client.hpp"
#include "c10k/manage.hpp"

#include <string>

namespace c10k {

// `manage replay`: plays the clients' side of a recording against a server, and prints what the server does
// differently. It fails if there is anything.
class ReplayCommand final : public Command {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "replay"; }
    [[nodiscard]] std::string_view help() const noexcept override;
    void declare_options(CommandOptions& options) override;
    Task<> run() override;

private:
    std::string recording_;
    std::string url_ = "ws://127.0.0.1:8000";
    double speed_ = 0;  // 1: as it was recorded, 2: twice as fast, 0: as fast as the answers come
    bool is_concurrent_ = false;
    std::string patience_ = "10s";
    EndpointOptions endpoint_;
};

}  // namespace c10k
