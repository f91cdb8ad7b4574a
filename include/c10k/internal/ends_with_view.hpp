#pragma once

namespace c10k {

class WebSocketConnection;

namespace internal {

// The base of a Membership: a WebSocket lists its memberships and empties them when its view ends. One leaves the list
// in constant time.
class EndsWithView {
public:
    EndsWithView(const EndsWithView&) = delete;
    EndsWithView& operator=(const EndsWithView&) = delete;

protected:
    EndsWithView() = default;
    ~EndsWithView() = default;

    void enter(WebSocketConnection& connection) noexcept;
    // Does nothing outside a list.
    void leave_list() noexcept;
    // Takes the place of `other` in its list.
    void replace(EndsWithView& other) noexcept;

private:
    friend class c10k::WebSocketConnection;

    // The view has ended: leave the list.
    virtual void on_view_ended() noexcept = 0;

    EndsWithView** link_ = nullptr;  // what points to this one
    EndsWithView* next_ = nullptr;
};

}  // namespace internal
}  // namespace c10k
