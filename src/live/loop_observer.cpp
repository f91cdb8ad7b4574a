#include "live/loop_observer.hpp"

#include "c10k/http.hpp"
#include "connection/websocket_connection.hpp"
#include "loop/sockets.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <tuple>
#include <utility>

namespace c10k {
namespace {

// WebSockets that a walk sees in one turn: the turn is then a fraction of a millisecond longer.
constexpr std::size_t kSlotsInAStep = 512;
constexpr std::chrono::milliseconds kGiveInterval{200};
// The answer to the first of so many messages is timed: looking at the clock costs more than counting.
constexpr std::uint64_t kTimedMessages = 16;

std::size_t class_of(std::uint64_t queued) {
    if (queued == 0) {
        return 0;
    }
    const auto bound = std::upper_bound(LoopWalk::kBounds.begin(), LoopWalk::kBounds.end(), queued);
    return 1 + static_cast<std::size_t>(bound - LoopWalk::kBounds.begin());
}

// Sorts by what `value` makes of facts, the largest first; equal ones keep one order, so that lists do not jump.
template <typename Value>
void keep_first(std::vector<ConnectionFacts>& facts, std::size_t most, Value value) {
    std::sort(facts.begin(), facts.end(), [&value](const ConnectionFacts& left, const ConnectionFacts& right) {
        const auto key = [&value](const ConnectionFacts& one) {
            return std::tuple{-static_cast<std::int64_t>(value(one)), one.id.slot, one.id.loop};
        };
        return key(left) < key(right);
    });
    facts.resize(std::min(facts.size(), most), ConnectionFacts{{}});
}

// Adds to a list that keeps the first: it is cut when it has grown to twice as many.
template <typename Keep>
void add(std::vector<ConnectionFacts>& facts, const ConnectionView& view, std::size_t most, Keep keep) {
    facts.emplace_back(view);
    if (facts.size() >= 2 * most) {
        keep(facts, most);
    }
}

}  // namespace

void keep_most_queued(std::vector<ConnectionFacts>& facts, std::size_t most) {
    keep_first(facts, most, [](const ConnectionFacts& one) { return one.queued; });
}

void keep_slowest(std::vector<ConnectionFacts>& facts, std::size_t most) {
    keep_first(facts, most, [](const ConnectionFacts& one) { return one.slow; });
}

LoopObserver::LoopObserver(LoopServices& services, std::uint32_t loop, const std::vector<RouteTraffic>& routes)
    : services_(services), inner_(std::exchange(services.tap, this)), loop_(loop), routes_(routes),
      answers_(routes.size()) {}

LoopObserver::~LoopObserver() { services_.tap = inner_; }

// ---- Hearing

void LoopObserver::on_opened(const WebSocketConnection& socket, const Request& request, std::string_view route) noexcept
    try {
    if (inner_ != nullptr) {
        inner_->on_opened(socket, request, route);
    }
    records_.resize(std::max<std::size_t>(records_.size(), socket.slot() + 1));
    const std::int64_t now = services_.loop.now();
    Record record{.path = request.path, .peer = request.peer, .opened = now, .last = now};
    record.route = route_of(socket);
    records_[socket.slot()] = std::make_unique<Record>(std::move(record));
} catch (const std::bad_alloc&) {  // it has no record, and is listed without one
}

LoopObserver::Record* LoopObserver::record_of(const WebSocketConnection& socket) noexcept {
    return socket.slot() < records_.size() ? records_[socket.slot()].get() : nullptr;
}

void LoopObserver::on_received(const WebSocketConnection& socket, const Message& message) noexcept {
    if (inner_ != nullptr) {
        inner_->on_received(socket, message);
    }
    if (Record* const record = record_of(socket)) {
        record->last = services_.loop.now();
        if (record->received++ % kTimedMessages == 0) {
            record->asked = steady_microseconds();
        }
    }
    if (!followers_.empty()) {
        note(socket, FollowedMessage::Way::kIn, message.kind(), message.view());
    }
}

void LoopObserver::on_sent(const WebSocketConnection& socket, Message::Kind kind, std::string_view payload,
                           Sender sender) noexcept {
    if (inner_ != nullptr) {
        inner_->on_sent(socket, kind, payload, sender);
    }
    if (Record* const record = record_of(socket)) {
        ++record->sent;
        record->last = services_.loop.now();
        if (record->asked != 0 && sender == Sender::kView && record->route < answers_.size()) {
            answers_[record->route].add(steady_microseconds() - std::exchange(record->asked, 0));
        }
    }
    if (!followers_.empty()) {
        note(socket, FollowedMessage::Way::kOut, kind, payload);
    }
}

void LoopObserver::on_dropped(const WebSocketConnection& socket, std::size_t count) noexcept {
    if (inner_ != nullptr) {
        inner_->on_dropped(socket, count);
    }
}

void LoopObserver::on_closing(const WebSocketConnection& socket, std::uint16_t code, std::string_view reason,
                              Side side) noexcept {
    if (inner_ != nullptr) {
        inner_->on_closing(socket, code, reason, side);
    }
}

void LoopObserver::on_closed(const WebSocketConnection& socket) noexcept {
    if (inner_ != nullptr) {
        inner_->on_closed(socket);
    }
    if (socket.slot() < records_.size()) {
        records_[socket.slot()] = nullptr;
    }
    for (const auto& follower : followers_) {
        if (follower->followed().slot == socket.slot()) {
            follower->note_end(socket.close_info().code);
        }
    }
}

// ---- Following

void LoopObserver::note(const WebSocketConnection& socket, FollowedMessage::Way way, Message::Kind kind,
                        std::string_view payload) noexcept try {
    for (const auto& follower : followers_) {
        if (follower->followed().slot == socket.slot() && !follower->has_ended()) {
            follower->note(way, kind, payload);
        }
    }
} catch (const std::bad_alloc&) {  // the page misses a message
}

bool LoopObserver::start(std::shared_ptr<Follower> follower) {
    if (find(follower->followed()) == nullptr) {
        return false;
    }
    followers_.push_back(std::move(follower));
    Timer::start(kGiveInterval);
    return true;
}

void LoopObserver::stop(const std::shared_ptr<Follower>& follower) { std::erase(followers_, follower); }

void LoopObserver::on_time() {
    for (const auto& follower : followers_) {
        follower->give();
    }
    if (!followers_.empty()) {
        Timer::start(kGiveInterval);
    }
}

// ---- Closing

WebSocketConnection* LoopObserver::find(const ConnectionId& id) const noexcept {
    return services_.websockets->find(id.slot, id.generation);
}

bool LoopObserver::close(const ConnectionId& id, std::uint16_t code, std::string_view reason) {
    WebSocketConnection* const connection = find(id);
    if (connection == nullptr || !connection->is_open()) {
        return false;
    }
    connection->close_for_others(code, reason);
    return true;
}

// ---- Walking

void LoopObserver::walk(std::vector<Search> searches, OnWalked on_walked) {
    if (walk_) {
        return;
    }
    Walk& walk = walk_.emplace(Walk{std::move(searches), std::move(on_walked), {}});
    walk.seen.routes.resize(routes_.size());
    for (const Search& search : walk.searches) {
        walk.seen.found.push_back({search.page, 0, {}});
    }
    step();
}

void LoopObserver::step() {
    const WebSocketTable& table = *services_.websockets;
    for (std::size_t end = std::min(walk_->next + kSlotsInAStep, table.slots()); walk_->next < end; ++walk_->next) {
        if (const WebSocketConnection* connection = table.at(walk_->next)) {
            look_at(*connection);
        }
    }
    if (walk_->next < table.slots()) {
        services_.loop.job_queue()->post_call([weak = weak_from_this()] {
            if (const auto self = weak.lock()) {
                self->step();
            }
        });
        return;
    }
    Walk walk = *std::exchange(walk_, std::nullopt);
    for (std::size_t i = 0; i < answers_.size(); ++i) {
        walk.seen.routes[i].answers = std::exchange(answers_[i], {});
    }
    keep_slowest(walk.seen.slowest, LoopWalk::kMostSlow);
    for (LoopWalk::Found& found : walk.seen.found) {
        keep_most_queued(found.first, LoopWalk::kMostFound);
    }
    walk.on_walked(std::move(walk.seen));
}

ConnectionView LoopObserver::view_of(const WebSocketConnection& socket) {
    ConnectionView view{.id = {loop_, socket.slot(), services_.websockets->generation(socket.slot())}};
    view.queued = socket.queued_bytes();
    view.memory = socket.memory();
    view.is_compressed = socket.is_compressed();
    view.slow_time = socket.limits().slow_time.count();
    const std::int64_t now = services_.loop.now();
    if (socket.slow().is_slow()) {
        view.slow = socket.slow().slow_for(static_cast<std::uint32_t>(now));
    }
    if (const Record* const record = record_of(socket)) {
        view.path = record->path;
        view.peer = record->peer;
        view.received = record->received;
        view.sent = record->sent;
        view.age = now - record->opened;
        view.idle = now - record->last;
    }
    return view;
}

std::size_t LoopObserver::route_of(const WebSocketConnection& socket) const noexcept {
    const auto route = std::find_if(routes_.begin(), routes_.end(), [&socket](const RouteTraffic& each) {
        return each.traffic.get() == &socket.traffic();
    });
    return static_cast<std::size_t>(route - routes_.begin());
}

void LoopObserver::look_at(const WebSocketConnection& socket) {
    const std::size_t route = route_of(socket);
    if (route == routes_.size()) {
        return;  // a client's, which a view has opened
    }
    ConnectionView view = view_of(socket);
    view.route = routes_[route].route;
    LoopWalk& seen = walk_->seen;
    LoopWalk::OfRoute& of_route = seen.routes[route];
    ++seen.queues[class_of(view.queued)];
    ++seen.count;
    ++of_route.count;
    seen.queued += view.queued;
    seen.memory += view.memory;
    of_route.memory += view.memory;
    if (socket.slow().is_slow()) {
        ++seen.slow;
        ++of_route.slow;
        add(seen.slowest, view, LoopWalk::kMostSlow, keep_slowest);
    }
    for (std::size_t i = 0; i < walk_->searches.size(); ++i) {
        if (walk_->searches[i].query->matches(view)) {
            ++seen.found[i].count;
            add(seen.found[i].first, view, LoopWalk::kMostFound, keep_most_queued);
        }
    }
}

}  // namespace c10k
