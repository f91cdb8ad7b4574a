#pragma once

#include <c10k/app_setting.hpp>

namespace life {

// [setting]
// The pages that may control the game.
enum class ControlFrom {
    kNowhere,
    kLoopback,  // pages on this machine
    kAnywhere,
};

inline const c10k::AppSetting<ControlFrom> kLifeControl{
    .name = "life_control",
    .default_value = ControlFrom::kNowhere,
    .default_in_debug = ControlFrom::kLoopback,
    .choices = {{"off", ControlFrom::kNowhere}, {"loopback", ControlFrom::kLoopback}, {"all", ControlFrom::kAnywhere}},
    .reason =
        "Who may control the game from its page: off is nobody, loopback the browsers on this machine, all "
        "everybody. Whoever may can pause a game that others watch, or replace it.",
};
// [/setting]

}  // namespace life
