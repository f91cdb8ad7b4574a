#pragma once

#include "c10k/body_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// The body of a request between the connection, which its bytes come from, and the view that reads it: a buffer with an
// end. It knows neither HTTP nor a clock.
class RequestBody {
public:
    // The connection.
    class Source {
    public:
        // A read() begins to wait. Throws std::bad_alloc.
        virtual void on_read_waits() = 0;
        // It waits no longer.
        virtual void on_read_ends() noexcept = 0;
        // The view has taken all that there was.
        virtual void on_taken() = 0;

    protected:
        ~Source() = default;
    };

    // The source outlives it.
    explicit RequestBody(Source& source) noexcept : source_(source) {}
    RequestBody(const RequestBody&) = delete;
    RequestBody& operator=(const RequestBody&) = delete;

    // ---- For the connection

    // Begins with the body of a request that has come whole; the view may take it out of there.
    void begin_whole(std::string& body) noexcept {
        data_ = &body;
        state_ = State::kWhole;
        received_ = body.size();
        length_ = received_;
    }
    // Begins with a body that is still to come. `length` is empty if it is chunked.
    void begin_arriving(std::optional<std::uint64_t> length) noexcept {
        data_ = &arrived_;
        state_ = State::kArriving;
        received_ = 0;
        max_bytes_ = UINT64_MAX;
        length_ = length;
    }
    // Whether more is to come and the view may want it.
    [[nodiscard]] bool is_arriving() const noexcept { return state_ == State::kArriving; }
    // Whether it was to come while the view runs.
    [[nodiscard]] bool is_in_pieces() const noexcept { return data_ == &arrived_; }
    // How much has come that the view has not taken.
    [[nodiscard]] std::size_t buffered() const noexcept { return data_->size(); }

    // Where the connection puts what has come; note_arrival() follows. Requires: is_arriving().
    [[nodiscard]] std::string& buffer() noexcept { return arrived_; }
    void note_arrival(std::size_t bytes);
    // The last byte has come.
    void end();
    // The rest will never come. Does nothing unless it is arriving.
    void fail(int status, std::string_view reason);
    // The client is gone, and what it has sent with it.
    void lose() noexcept;
    // The answer is complete: nobody reads any more.
    void forget() noexcept { std::string{}.swap(arrived_); }

    // ---- For the view

    // Whether a read() need not wait.
    [[nodiscard]] bool has_something() const noexcept { return !data_->empty() || !is_arriving(); }
    // Throws BodyError if there is nothing more because of a failure.
    void throw_if_failed() const;
    [[nodiscard]] std::string take();
    void limit(std::uint64_t max_bytes);
    [[nodiscard]] std::optional<std::uint64_t> length() const noexcept { return length_; }

    // Throws std::logic_error if a read() is pending.
    void check_alone() const;
    void begin_wait(BodyReader::ReadAwaiter& reader);
    void end_wait() noexcept;

private:
    enum class State : std::uint8_t { kArriving, kWhole, kFailed };

    void wake();

    Source& source_;
    std::string arrived_;
    std::string* data_ = &arrived_;  // what can be taken: this, or the body of a request that has come whole
    BodyReader::ReadAwaiter* waiting_ = nullptr;
    std::uint64_t received_ = 0;  // bytes
    std::uint64_t max_bytes_ = UINT64_MAX;
    std::optional<std::uint64_t> length_;
    std::string_view reason_;  // of the failure
    int status_ = 0;           // of the failure
    State state_ = State::kWhole;
};

}  // namespace c10k
