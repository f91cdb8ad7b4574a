#include "gameoflife/viewer.hpp"

#include "gameoflife/json_message.hpp"
#include "gameoflife/status.hpp"

#include <algorithm>
#include <utility>

namespace life {

using namespace c10k;

namespace {

constexpr std::uint64_t kStatusTicks = 20;
constexpr std::uint64_t kCardTicks = 8;
constexpr std::uint32_t kMaxUnseenFrames = 2;
constexpr std::size_t kMaxCommands = 8;

}  // namespace

Viewer::Viewer(Viewers& viewers, WebSocket& socket, std::string refusal)
    : viewers_(viewers), socket_(socket), feed_(viewers.game().feed), control_(viewers.game().control),
      refusal_(std::move(refusal)) {}

Task<> Viewer::converse(TaskGroup& group) {
    group.spawn(send_on());
    co_await receive(group);
    group.stop();
}

// ---- What the page says

Task<> Viewer::receive(TaskGroup& group) {
    while (const auto message = co_await socket_.recv()) {
        PageMessage said = PageMessage::parse(text_of(*message));
        if (said.view) {
            view_ = said.view;
            ++views_;
            needs_key_ = true;
        }
        if (said.seen) {
            if (*said.seen > sent_) {
                throw BadMessage("'seen' is the number of a frame that was sent");
            }
            seen_ = std::max(seen_, static_cast<std::uint32_t>(*said.seen));
        }
        if (said.cell) {
            cell_ = *said.cell;
            card_.reset();
        }
        if (said.command) {
            co_await take_command(std::move(*said.command), group);
        }
        viewers_.wake_soon();
        co_await yield();  // a page that says a lot takes turns with all others
    }
}

Task<> Viewer::take_command(PageMessage::Command command, TaskGroup& group) {
    std::string refusal = refusal_;
    if (refusal.empty() && commands_ == kMaxCommands) {
        refusal = "Too many commands at once: wait for their answers.";
    }
    if (!refusal.empty()) {
        co_await socket_.send(answer_text(command.id, refusal));
        co_return;
    }
    ++commands_;
    group.spawn(relay(std::move(command)));
}

Task<> Viewer::relay(PageMessage::Command command) {
    const std::string error = co_await control_.ask(std::move(command.what));
    --commands_;
    co_await socket_.send(answer_text(command.id, error));
}

// ---- What it is told

void Viewer::wake() {
    has_ticked_ = true;
    std::exchange(tick_bell_, {}).complete();
}

Task<> Viewer::next_tick() {
    if (!has_ticked_) {
        Completion<> tick;
        tick_bell_ = tick.completer();
        co_await tick.wait();
    }
    has_ticked_ = false;
}

Task<> Viewer::send_on() {
    for (;;) {
        co_await next_tick();
        co_await send_texts();
        if (is_frame_due()) {
            co_await send_frame();
        }
    }
}

// Those that are due.
Task<> Viewer::send_texts() {
    if (is_status_due()) {
        co_await send_status();
    }
    if (cell_ && (!card_ || viewers_.tick() >= card_tick_ + kCardTicks)) {
        co_await send_card_if_new();
    }
}

bool Viewer::is_status_due() {
    if (!told_) {
        return true;
    }
    const Feed::Glance now = feed_.glance();
    const Feed::Glance& then = told_->glance;
    if (now.game != then.game || now.phase != then.phase || control_.changes() != told_->control_changes) {
        return true;
    }
    const bool moves = now.last_turn != then.last_turn || now.changes != then.changes || told_->has_messages;
    return moves && viewers_.tick() >= told_->tick + kStatusTicks;
}

Task<> Viewer::send_status() {
    const Feed::Summary summary = feed_.summary();
    const Control::State control = control_.state();
    told_ = Told{.tick = viewers_.tick(),
                 .glance = summary.glance,
                 .control_changes = control.changes,
                 .has_messages = summary.messages_per_second > 0};
    co_await socket_.send(status_text(summary, control, refusal_));
}

Task<> Viewer::send_card_if_new() {
    std::optional<Feed::CellReport> report = feed_.cell(cell_->first, cell_->second);
    std::optional<Feed::CellReport> lasting = report;
    if (lasting) {
        lasting->milliseconds = 0;
    }
    std::string card = card_text(*cell_, lasting);
    if (card_ == card) {
        co_return;
    }
    card_ = std::move(card);
    card_tick_ = viewers_.tick();
    co_await socket_.send(card_text(*cell_, report));
}

// ---- Its picture

bool Viewer::is_frame_due() {
    if (!view_ || sent_ - seen_ >= kMaxUnseenFrames || viewers_.tick() == frame_tick_) {
        return false;
    }
    const Feed::Glance now = feed_.glance();
    return needs_key_ || now.game != subject_->game || now.last_turn >= since_;
}

// Another size makes the page's view void: until it sends the next one, it sees all.
void Viewer::look_at(const Feed::Glance& now) {
    if (subject_ && subject_->size != now.size) {
        view_ = View::whole(now.size, view_->ages);
    }
    needs_key_ = needs_key_ || subject_->game != now.game;
    subject_ = Subject{.game = now.game, .size = now.size};
}

Task<> Viewer::send_frame() {
    look_at(feed_.glance());
    frame_tick_ = viewers_.tick();
    const std::uint64_t since = std::exchange(since_, feed_.next_turn());
    const Frame::Order order{.number = sent_ + 1,
                             .view = view_->on(subject_->size),
                             .is_key = std::exchange(needs_key_, false),
                             .since = since};
    Frame frame{order, subject_->size};
    co_await send_parts(frame, order.number);
}

// A frame that the page does not want any more, or whose game is over, ends early.
Task<> Viewer::send_parts(Frame& frame, std::uint32_t number) {
    const std::uint64_t views = views_;
    std::size_t paid = 0;
    while (!frame.is_complete()) {
        if (views != views_ || !feed_.read(subject_->game, frame)) {
            frame.cut();
        }
        for (const std::string& part : frame.take_parts()) {
            if (frame.is_key() || !frame.is_empty()) {
                sent_ = number;
                feed_.count_messages(1);
                co_await socket_.send(Message::binary(part));
            }
        }
        co_await viewers_.pay(frame.cells_read() - paid);
        paid = frame.cells_read();
        co_await send_texts();  // a frame of a large grid takes long while many pages look at it
    }
}

}  // namespace life
