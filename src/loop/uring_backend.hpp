#pragma once

#include "loop/backend.hpp"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

struct io_uring_cqe;
struct io_uring_sqe;

namespace c10k {

class Ring;
struct RingFeatures;

// Completions as the kernel gives them: io_uring, with multishot accept and receive, and sends that go out together.
//
// Sockets are direct descriptors, in as many rings as it takes: the process's limit of open files bounds each ring, and
// not the whole. The next wait() submits all operations that were asked for with one call.
class UringBackend final : public Backend {
public:
    // Throws std::system_error if the kernel has no suitable io_uring, or forbids it; what() says what to do.
    UringBackend();
    explicit UringBackend(const RingFeatures& wanted);
    ~UringBackend() override;
    UringBackend(const UringBackend&) = delete;
    UringBackend& operator=(const UringBackend&) = delete;

    [[nodiscard]] std::string_view name() const noexcept override { return "io_uring"; }
    [[nodiscard]] std::size_t capacity() const noexcept override;
    SocketId listen(const Address& address, const ListenOptions& options, ListenerEvents& events) override;
    [[nodiscard]] Address local_address(SocketId socket) const override;
    void pause_accepting(SocketId listener) override;
    void resume_accepting(SocketId listener) override;
    void leave_accepting(SocketId listener) override;
    using Backend::connect;
    SocketId connect(const Address& to, const Address& from) override;
    void attach(SocketId socket, SocketEvents& events) override;
    void start_receiving(SocketId socket) override;
    void stop_receiving(SocketId socket) override;
    [[nodiscard]] std::size_t send(SocketId socket, std::span<const iovec> bytes) override;
    void shutdown_write(SocketId socket) override;
    using Backend::close;
    void close(SocketId socket, std::shared_ptr<const void> unsent) override;
    void watch(int descriptor, internal::Readiness wanted, internal::DescriptorEvents& events) override;
    void unwatch(int descriptor, internal::Readiness wanted) noexcept override;
    [[nodiscard]] std::int64_t now() const noexcept override;
    int wait(std::optional<std::int64_t> until) override;
    [[nodiscard]] std::int64_t heard_until() const noexcept override { return heard_.time(); }
    void wake() noexcept override;

private:
    enum class Kind : std::uint8_t { kFree, kListener, kConnecting, kSocket, kClosing };
    // The news of a socket or listener that the kernel was last asked for.
    enum class Watch : std::uint8_t { kNothing, kInput, kLoss };
    enum class Operation : std::uint8_t {
        kNone,
        kWake,
        kAccept,
        kConnect,
        kReceive,
        kLoss,
        kSend,
        kShutdown,
        kClose,
        kPoll,  // of a descriptor that is not ours: its index is that of a Poll
    };

    struct Slot {
        union {
            SocketEvents* socket_events;
            ListenerEvents* listener_events;
            std::uint32_t next_free;
        };
        std::uint32_t generation;
        std::uint32_t file;  // in the ring's table; of a listener, the descriptor
        std::uint16_t ring;
        std::uint8_t under_way;  // operations whose last completion has yet to come
        Kind kind;
        Watch watch;
        bool receiving : 1;   // wanted
        bool cancelling : 1;  // what is watched
        bool sending : 1;
        bool ended : 1;         // FIN came, and the owner knows
        bool half_open : 1;     // FIN is on its way to a socket that does not receive
        bool failed : 1;        // the connection is lost, and the owner knows
        bool is_changed : 1;    // in changed_
        bool is_direct : 1;     // `file` is an index in the ring's table
        bool is_inherited : 1;  // a listener that other processes may have, too
        bool is_leaving : 1;    // accepts no more than it was woken for
    };

    // A descriptor that is not ours, for one direction, from watch() until its completion.
    struct Poll {
        internal::DescriptorEvents* events = nullptr;  // null: nobody waits any more
        int descriptor = -1;
        internal::Readiness wanted{};
    };
    static constexpr std::uint32_t kNoPoll = 0xffffffff;

    SocketId add(Kind kind);
    // Moves the descriptor into a ring with room, or into a new one. If it throws std::system_error, it has done
    // nothing.
    SocketId adopt(int descriptor, Kind kind);
    Slot* find(SocketId socket) noexcept;
    [[nodiscard]] Ring& ring_of(std::uint32_t index) noexcept { return *rings_[slots_[index].ring]; }
    void free(std::uint32_t index) noexcept;

    // Submits the entry for the slot; complete() gets its result.
    void start(std::uint32_t index, io_uring_sqe& entry, Operation operation);
    void cancel(std::uint32_t index, Operation operation);
    static void cancel_in(Ring& ring, std::uint32_t index, Operation operation);
    void arm_wake();
    // Keeps the bytes of a send() until the kernel is done with them.
    void keep(std::uint32_t index, std::shared_ptr<const void> unsent) noexcept;

    // Notes that the slot's watch may have to change before the next wait.
    void changed(std::uint32_t index);
    void update_watches();
    void update_watch(std::uint32_t index);
    void start_watch(std::uint32_t index, Watch wanted);
    [[nodiscard]] static Watch wanted_watch(const Slot& slot) noexcept;
    [[nodiscard]] static Operation watching(const Slot& slot) noexcept;

    void sleep(std::optional<std::int64_t> until);

    // How much was taken from the kernel.
    struct Taken {
        int completions = 0;
        int events = 0;  // delivered, answers to send() not counted
    };
    Taken take_completions();
    // Return how many events were delivered.
    int complete(Ring& ring, const io_uring_cqe& completion);
    int accepted(std::uint32_t index, int result);
    // Accepts the connections that are waiting, and none after them.
    void accept_stragglers(std::uint32_t index);
    // Hands over accepted sockets, as long as there are rings for them.
    int adopt_waiting();
    int fail_accepting(std::uint32_t index, int error);
    int connected(std::uint32_t index, int result);
    int received(std::uint32_t index, std::span<char> bytes, int result);
    int noticed(std::uint32_t index, int result);
    int sent(std::uint32_t index, int result);
    int lose(std::uint32_t index, int error);
    void polled(std::uint32_t index, int result);
    [[nodiscard]] std::uint32_t& waiting_poll(int descriptor, internal::Readiness wanted);

    std::vector<std::unique_ptr<Ring>> rings_;
    std::vector<Slot> slots_;
    std::uint32_t first_free_;
    std::vector<std::uint32_t> changed_;
    std::unordered_map<std::uint32_t, std::shared_ptr<const void>>
        unsent_;  // of closed slots, until the kernel lets go
    // The listener and the descriptor of accepted sockets that are in no ring yet, because no ring can be made.
    std::deque<std::pair<std::uint32_t, int>> waiting_;
    std::map<std::uint32_t, Address> listening_;  // the addresses of listeners, by slot
    std::vector<Poll> polls_;
    std::vector<std::uint32_t> free_polls_;
    // By descriptor and Readiness: the one that somebody waits for, or kNoPoll.
    std::unordered_map<int, std::array<std::uint32_t, 2>> waiting_polls_;
    bool has_adopted_ = false;  // since accepting failed
    bool is_short_ = false;     // of descriptors, until accepting goes on
    HeardUntil heard_;
    int wake_;
};

}  // namespace c10k
