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

// Requests a page over and over, on connections that stay. A message is one such page. Arguments: --connections,
// --body (the page; each answer must be a 200 with a Content-Length and exactly that).
void requests(const Arguments& arguments);

// WebSockets that are streams of HTTP/2 connections (RFC 8441) say their message, and say it again for each answer.
// Arguments: --websockets, and --connections for all of them together.
void streams(const Arguments& arguments);

// Every member says its message once and hears the answer; then a line is printed, and all stay until standard input
// ends. They answer pings.
void idle(const Arguments& arguments);

}  // namespace benchmarks
