#pragma once

#include "gameoflife/control.hpp"
#include "gameoflife/feed.hpp"

namespace life {

// What the servers of all loops share.
struct SharedGame {
    Feed feed;
    Control control{feed};
};

}  // namespace life
