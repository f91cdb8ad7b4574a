#pragma once

#include "connection/counters.hpp"
#include "connection/handshake_window.hpp"
#include "connection/memory_trimmer.hpp"
#include "connection/message_tap.hpp"
#include "connection/traffic.hpp"
#include "connection/websocket_table.hpp"
#include "loop/loop.hpp"
#include "wire/deflate_pool.hpp"

#include <memory>

namespace c10k {

class LoopEndpoints;
class SharedConnections;

// The services that a loop has for its connections. Objects that need them get them in their constructors.
struct LoopServices {
    // The services of `loop`. The first call makes them; they end with the loop. Only the edges call this: servers,
    // groups, connect() and the testkit.
    [[nodiscard]] static LoopServices& of(Loop& loop) { return loop.local<LoopServices>(); }

    explicit LoopServices(Loop& its_loop) : loop(its_loop), websockets(std::make_shared<WebSocketTable>(its_loop)) {}
    ~LoopServices() { websockets->stop(); }
    LoopServices(const LoopServices&) = delete;
    LoopServices& operator=(const LoopServices&) = delete;

    Loop& loop;
    const std::shared_ptr<Counters> counters = std::make_shared<Counters>();  // may be read when the loop has ended
    const std::shared_ptr<WebSocketTable> websockets;                         // handles keep it
    wire::DeflatePool deflate;
    MemoryTrimmer trimmer;
    HandshakeWindows handshake_windows;                     // of clients
    std::shared_ptr<SharedConnections> shared_connections;  // of clients; null until one wants them
    std::shared_ptr<LoopEndpoints> endpoints;               // of clients; null until there is one
    Traffic client_traffic;                                 // of all of them
    MessageTap* tap = nullptr;                              // null: nobody wants to hear
};

}  // namespace c10k
