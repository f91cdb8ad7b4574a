#pragma once

#include <c10k/manage.hpp>
#include <c10k/spread.hpp>

#include <string>

namespace echo {

// `manage testecho`: the C10K test. Many clients at once, every reply checked.
class TestEcho final : public c10k::Command {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "testecho"; }
    [[nodiscard]] std::string_view help() const noexcept override;
    void declare_options(c10k::CommandOptions& options) override;
    c10k::Task<> run() override;

private:
    int clients_ = 10000;
    c10k::EndpointOptions endpoint_;
    c10k::Spread spread_;
    std::string delay_ = "30s";
    std::string url_ = "ws://127.0.0.1:8000/test/ws/";
};

}  // namespace echo
