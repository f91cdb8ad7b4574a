#pragma once

#include "c10k/timer.hpp"
#include "connection/loop_services.hpp"
#include "connection/message_tap.hpp"
#include "live/connection_query.hpp"
#include "live/duration_counts.hpp"
#include "live/follower.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// What a walk along all WebSockets of a loop has found.
struct LoopWalk {
    // The bounds of the classes of WebSockets by bytes in their queues: none, below the first bound, and so on.
    static constexpr std::array<std::uint64_t, 6> kBounds{1'000, 4'000, 16'000, 64'000, 256'000, 1'000'000};
    static constexpr std::size_t kClasses = kBounds.size() + 2;
    static constexpr std::size_t kMostSlow = 5;
    static constexpr std::size_t kMostFound = 50;

    struct OfRoute {
        std::uint64_t count = 0;
        std::uint64_t memory = 0;
        std::uint64_t slow = 0;
        DurationCounts answers;  // since the walk before
    };
    struct Found {
        std::uint64_t page = 0;
        std::uint64_t count = 0;
        std::vector<ConnectionFacts> first;  // those with most in their queues, at most kMostFound
    };

    std::array<std::uint64_t, kClasses> queues{};
    std::uint64_t queued = 0;  // bytes
    std::uint64_t slow = 0;
    std::uint64_t memory = 0;
    std::uint64_t count = 0;
    std::vector<OfRoute> routes;
    std::vector<ConnectionFacts> slowest;
    std::vector<Found> found;
};

// Puts the facts with most bytes queued first, and keeps so many.
void keep_most_queued(std::vector<ConnectionFacts>& facts, std::size_t most);
// The same with those that have been slow for longest.
void keep_slowest(std::vector<ConnectionFacts>& facts, std::size_t most);

// The dashboard's part on one loop of the site: it hears the messages of each WebSocket, and walks along all of them
// when it is asked, a few in each turn.
// Thread: that of the loop.
class LoopObserver final : public std::enable_shared_from_this<LoopObserver>, public MessageTap, private Timer {
public:
    // A page's search.
    struct Search {
        std::uint64_t page;
        std::shared_ptr<const ConnectionQuery> query;
    };
    using OnWalked = std::function<void(LoopWalk)>;

    // Of loop number `loop`. `routes` are in the order in which walks count them. Observers of one loop end in the
    // reverse order.
    LoopObserver(LoopServices& services, std::uint32_t loop, const std::vector<RouteTraffic>& routes);
    ~LoopObserver();
    LoopObserver(const LoopObserver&) = delete;
    LoopObserver& operator=(const LoopObserver&) = delete;

    // Calls `on_walked` when all WebSockets were seen. Does nothing if a walk is under way.
    void walk(std::vector<Search> searches, OnWalked on_walked);
    // Returns whether there is such a WebSocket; it is closed then.
    bool close(const ConnectionId& id, std::uint16_t code, std::string_view reason);
    // The messages of its WebSocket go to the follower, until stop() or its end. Returns whether there is one.
    bool start(std::shared_ptr<Follower> follower);
    void stop(const std::shared_ptr<Follower>& follower);

private:
    // What this loop's clock and its messages say of a WebSocket.
    struct Record {
        std::string path;
        std::string peer;
        std::int64_t opened = 0;  // in ms of the loop's clock
        std::int64_t last = 0;
        std::uint64_t received = 0;
        std::uint64_t sent = 0;
        std::int64_t asked = 0;  // the time of a message whose answer is timed, in microseconds; 0: none
        std::size_t route = 0;
    };
    struct Walk {
        std::vector<Search> searches;
        OnWalked on_walked;
        LoopWalk seen;
        std::size_t next = 0;
    };

    void on_opened(const WebSocketConnection& socket, const Request& request, std::string_view route) noexcept override;
    void on_received(const WebSocketConnection& socket, const Message& message) noexcept override;
    void on_sent(const WebSocketConnection& socket, Message::Kind kind, std::string_view payload,
                 Sender sender) noexcept override;
    void on_dropped(const WebSocketConnection& socket, std::size_t count) noexcept override;
    void on_closing(const WebSocketConnection& socket, std::uint16_t code, std::string_view reason,
                    Side side) noexcept override;
    void on_closed(const WebSocketConnection& socket) noexcept override;
    void on_time() override;

    void step();
    void look_at(const WebSocketConnection& socket);
    [[nodiscard]] WebSocketConnection* find(const ConnectionId& id) const noexcept;
    // The place of its route in routes_; their number if it has none.
    [[nodiscard]] std::size_t route_of(const WebSocketConnection& socket) const noexcept;
    [[nodiscard]] Record* record_of(const WebSocketConnection& socket) noexcept;
    [[nodiscard]] ConnectionView view_of(const WebSocketConnection& socket);
    void note(const WebSocketConnection& socket, FollowedMessage::Way way, Message::Kind kind,
              std::string_view payload) noexcept;

    LoopServices& services_;
    MessageTap* inner_;  // that was there before, and hears all of it, too
    std::uint32_t loop_;
    std::vector<RouteTraffic> routes_;
    std::vector<std::unique_ptr<Record>> records_;  // by slot
    std::vector<DurationCounts> answers_;           // by route, since the last walk
    std::vector<std::shared_ptr<Follower>> followers_;
    std::optional<Walk> walk_;
};

}  // namespace c10k
