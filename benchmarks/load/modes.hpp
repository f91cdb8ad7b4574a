#pragma once

#include "program.hpp"

namespace benchmarks {

// Every member says its message, and says it again for each answer. Arguments: --answers (frames that answer one),
// --in-flight (messages that each has under way).
void echo(const Arguments& arguments);

// The member that connected last says its message, and says it again for each copy it receives; all receive it.
// A message counts once for each receiver. Argument: --in-flight.
void broadcast(const Arguments& arguments);

// Connects, upgrades, closes cleanly and begins again. A message is one such round. Argument: --connections (at once).
void handshakes(const Arguments& arguments);

// Every member says its message once and hears the answer; then a line is printed, and all stay until standard input
// ends.
void idle(const Arguments& arguments);

}  // namespace benchmarks
