#pragma once

#include "gameoflife/page_message.hpp"
#include "gameoflife/picture.hpp"
#include "gameoflife/viewers.hpp"

#include <c10k/completion.hpp>
#include <c10k/task.hpp>
#include <c10k/websocket.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace life {

// A page that watches with life.viewer: what it wants to see, and what it has been sent. The page gets nothing that is
// older than the moment at which it is sent: while it does not keep up, nothing waits for it but what has changed.
class Viewer {
public:
    Viewer(Viewers& viewers, c10k::WebSocket& socket, std::string refusal);

    // Receives and sends until the page leaves. Throws BadMessage.
    c10k::Task<> converse(c10k::TaskGroup& group);
    void wake();

private:
    c10k::Task<> receive(c10k::TaskGroup& group);
    c10k::Task<> take_command(PageMessage::Command command, c10k::TaskGroup& group);
    c10k::Task<> relay(PageMessage::Command command);

    c10k::Task<> send_on();
    c10k::Task<> next_tick();
    c10k::Task<> send_texts();
    [[nodiscard]] bool is_status_due();
    c10k::Task<> send_status();
    c10k::Task<> send_card_if_new();
    [[nodiscard]] bool is_frame_due();
    c10k::Task<> send_frame();
    void look_at(const Feed::Glance& now);
    c10k::Task<> send_parts(Frame& frame, std::uint32_t number);

    Viewers& viewers_;
    c10k::WebSocket& socket_;
    Feed& feed_;
    Control& control_;
    const std::string refusal_;
    bool has_ticked_ = false;
    c10k::Completer<> tick_bell_;
    std::size_t commands_ = 0;  // that have no answer yet

    // What the last status told.
    struct Told {
        std::uint64_t tick = 0;
        Feed::Glance glance;
        std::uint64_t control_changes = 0;
        bool has_messages = false;
    };
    std::optional<Told> told_;

    std::optional<CellPlace> cell_;
    std::uint64_t card_tick_ = 0;
    std::optional<std::string> card_;  // the last one, without what changes by itself

    std::optional<View> view_;
    std::uint64_t views_ = 0;  // that the page has asked for
    struct Subject {
        std::uint64_t game = 0;
        int size = 0;
    };
    std::optional<Subject> subject_;  // of the last frame
    bool needs_key_ = true;
    std::uint64_t since_ = 0;  // the turn of the board that the next frame begins with
    std::uint64_t frame_tick_ = 0;
    std::uint32_t sent_ = 0;  // the number of the last frame
    std::uint32_t seen_ = 0;
};

}  // namespace life
