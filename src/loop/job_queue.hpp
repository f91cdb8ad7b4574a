#pragma once

#include "base/log.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace c10k {

class Backend;

// Something to be done on another loop, once.
class Letter {
public:
    Letter() = default;
    virtual ~Letter() = default;
    Letter(const Letter&) = delete;
    Letter& operator=(const Letter&) = delete;

    // Thread: that of the loop. Its sender cannot be told any more if it throws: the mailbox logs that, and goes on.
    virtual void read() = 0;
    // Until then it waits, and so do all behind it.
    [[nodiscard]] virtual bool may_be_read() const noexcept { return true; }

private:
    friend class Mailbox;

    Letter* next_ = nullptr;
    std::size_t bytes_ = 0;
};

// A letter that calls `call()`.
template <typename Call>
[[nodiscard]] std::unique_ptr<Letter> make_letter(Call call) {
    class CallLetter final : public Letter {
    public:
        explicit CallLetter(Call&& call) : call_(std::move(call)) {}
        void read() override { call_(); }

    private:
        Call call_;
    };
    return std::make_unique<CallLetter>(std::move(call));
}

// The way to a loop from other threads, without a lock. It outlives the loop: what is posted after that is dropped.
//
// Letters of one thread are read in their order, and a letter that was posted before another one was, by whatever
// thread, is read before it.
class Mailbox {
public:
    static constexpr std::size_t kMostUnreadBytes = 64 * 1024 * 1024;

    explicit Mailbox(Backend& backend) noexcept : backend_(&backend) {}
    ~Mailbox();
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    // ---- For all threads

    // Has `letter`, which holds so many bytes, read in one of the loop's next turns. Returns false if the loop has
    // gone.
    bool post(std::unique_ptr<Letter> letter, std::size_t bytes = 0);
    // The same in two steps, for who has letters for several loops: put() does not wake the loop.
    bool put(std::unique_ptr<Letter> letter, std::size_t bytes = 0);
    void wake();
    // Has `call()` called in one of the loop's next turns. Returns false if the loop has gone.
    template <typename Call>
    bool post_call(Call call, std::size_t bytes = 0) {
        return post(make_letter(std::move(call)), bytes);
    }
    // Whether what is unread and so much more is within the limit. To be asked by those whose letters nobody waits for:
    // a loop that is busy for long would let them fill memory. If nothing is unread, there is room for anything.
    [[nodiscard]] bool has_room_for(std::size_t bytes) const noexcept {
        const std::size_t unread = unread_bytes_;
        return unread == 0 || unread + bytes <= most_unread_bytes_;
    }
    void limit(std::size_t most_unread_bytes) noexcept { most_unread_bytes_ = most_unread_bytes; }

    // ---- For the loop

    // Reads what there is. Returns whether it was anything. No letter that fails ends the loop or holds up others.
    bool read();
    // To be asked before the loop sleeps: false if there is something to read. Until it is awake, letters wake it.
    [[nodiscard]] bool fall_asleep() noexcept;
    void awake() noexcept { asleep_ = false; }
    // Drops what is unread and what is still to come. The backend is not touched after it.
    void close() noexcept;

private:
    // A thread that is between looking whether the mailbox is open and being done with the backend.
    class Poster;

    void take_in() noexcept;
    void read(Letter& letter) noexcept;
    // Logs that a letter has failed.
    void complain(const char* why) noexcept;
    [[nodiscard]] bool has_readable() const noexcept;
    void drop_all() noexcept;

    Backend* backend_;
    std::atomic<Letter*> newest_{nullptr};  // the latest first
    std::atomic<int> posters_{0};
    std::atomic<std::size_t> unread_bytes_{0};
    std::atomic<std::size_t> most_unread_bytes_{kMostUnreadBytes};
    std::atomic<bool> open_{true};
    std::atomic<bool> asleep_{false};
    // The loop's own: what it has taken in and not read, in order.
    Letter* first_ = nullptr;
    Letter* last_ = nullptr;
    log::OnceASecond complaint_;
};

}  // namespace c10k
