#pragma once

#include <string_view>
#include <vector>

namespace c10k {

// What a program says to whoever started it and holds its sockets: systemd, or runserver of the program it replaces.

// The listening sockets that were handed to this process: sd_listen_fds(3). Whoever asks first gets them.
[[nodiscard]] std::vector<int> take_inherited_listeners();

// Tells that this program now serves, if anybody wants to know: sd_notify(3).
void notify_ready();

}  // namespace c10k
