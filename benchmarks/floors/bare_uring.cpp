// The floor on io_uring: multishot accept, multishot recv into provided buffers, one send per connection and turn, one
// system call per turn, and no protocol.
//
//     bare_uring --port 8000 --payload 16 [--answers 8] [--to all]

#include "floors/floor.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <liburing.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace benchmarks {
namespace {

constexpr unsigned kSubmissions = 16384;
constexpr unsigned kCompletions = 65536;
constexpr int kBufferGroup = 0;
// A buffer takes a whole message, up to the most.
constexpr std::size_t kMinBufferBytes = 4096;
constexpr std::size_t kMaxBufferBytes = 64 * 1024;
constexpr std::size_t kAllBufferBytes = std::size_t{16} << 20;

enum class Operation : std::uint32_t { kAccept, kReceive, kAnswer, kSayGoodbye, kShutDown };

class Ring {
public:
    Ring() {
        io_uring_params parameters{};
        parameters.flags =
            IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
        parameters.cq_entries = kCompletions;
        if (const int error = ::io_uring_queue_init_params(kSubmissions, &ring_, &parameters); error < 0) {
            errno = -error;
            fail_errno("io_uring");
        }
    }

    io_uring* get() noexcept { return &ring_; }

    // A submission to be prepared and then tagged.
    io_uring_sqe* next() {
        io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
        if (sqe == nullptr) {
            ::io_uring_submit(&ring_);
            sqe = ::io_uring_get_sqe(&ring_);
        }
        return sqe;
    }

private:
    io_uring ring_{};
};

// Buffers that the kernel picks for what it receives.
class ProvidedBuffers {
public:
    ProvidedBuffers(Ring& ring, std::size_t buffer_bytes)
        : buffer_bytes_(buffer_bytes), count_(static_cast<unsigned>(kAllBufferBytes / buffer_bytes)),
          memory_(map(kAllBufferBytes)),
          ring_(reinterpret_cast<io_uring_buf_ring*>(map(count_ * sizeof(io_uring_buf)))) {
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uint64_t>(ring_);
        registration.ring_entries = count_;
        registration.bgid = kBufferGroup;
        if (const int error = ::io_uring_register_buf_ring(ring.get(), &registration, 0); error < 0) {
            errno = -error;
            fail_errno("io_uring_register_buf_ring");
        }
        ::io_uring_buf_ring_init(ring_);
        for (unsigned id = 0; id < count_; ++id) {
            give_back(id);
        }
    }

    [[nodiscard]] std::string_view bytes(const io_uring_cqe& completion) const {
        return {at(completion.flags >> IORING_CQE_BUFFER_SHIFT), static_cast<std::size_t>(completion.res)};
    }
    void give_back(unsigned id) {
        ::io_uring_buf_ring_add(ring_, at(id), static_cast<unsigned>(buffer_bytes_), static_cast<unsigned short>(id),
                                ::io_uring_buf_ring_mask(count_), 0);
        ::io_uring_buf_ring_advance(ring_, 1);
    }

private:
    static char* map(std::size_t bytes) {
        constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
        void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
        if (memory == MAP_FAILED) {
            fail_errno("mmap");
        }
        return static_cast<char*>(memory);
    }
    [[nodiscard]] char* at(unsigned id) const { return memory_ + id * buffer_bytes_; }

    std::size_t buffer_bytes_;
    unsigned count_;
    char* memory_;
    io_uring_buf_ring* ring_;
};

class BareUring {
public:
    explicit BareUring(const Arguments& arguments)
        : floor_(arguments), listener_(floor_.listen()),
          buffers_(ring_,
                   std::clamp(std::bit_ceil(arguments.number("payload", 16)), kMinBufferBytes, kMaxBufferBytes)) {
        accept();
    }

    [[noreturn]] void run() {
        for (;;) {
            ::io_uring_submit_and_wait(ring_.get(), 1);
            io_uring_cqe* completion = nullptr;
            unsigned head = 0;
            unsigned count = 0;
            io_uring_for_each_cqe(ring_.get(), head, completion) {
                handle(*completion);
                ++count;
            }
            ::io_uring_cq_advance(ring_.get(), count);
            floor_.flush_all([this](int fd) { flush(fd); });
        }
    }

private:
    void handle(const io_uring_cqe& completion) {
        const int fd = static_cast<int>(completion.user_data >> 32);
        switch (static_cast<Operation>(completion.user_data)) {
            case Operation::kAccept: accepted(completion); break;
            case Operation::kReceive: received(fd, completion); break;
            case Operation::kAnswer: answered(fd, completion.res); break;
            case Operation::kSayGoodbye:
            case Operation::kShutDown: break;
        }
    }

    static void tag(io_uring_sqe* sqe, Operation operation, int fd) {
        ::io_uring_sqe_set_data64(
            sqe, std::uint64_t{static_cast<unsigned>(fd)} << 32 | static_cast<std::uint32_t>(operation));
    }

    void accept() {
        io_uring_sqe* sqe = ring_.next();
        ::io_uring_prep_multishot_accept(sqe, listener_, nullptr, nullptr, SOCK_CLOEXEC);
        tag(sqe, Operation::kAccept, listener_);
    }

    void accepted(const io_uring_cqe& completion) {
        if (completion.res < 0) {
            errno = -completion.res;
            fail_errno("accept");
        }
        floor_.add(completion.res);
        receive(completion.res);
        if ((completion.flags & IORING_CQE_F_MORE) == 0) {
            accept();
        }
    }

    void receive(int fd) {
        io_uring_sqe* sqe = ring_.next();
        ::io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = kBufferGroup;
        tag(sqe, Operation::kReceive, fd);
    }

    void received(int fd, const io_uring_cqe& completion) {
        if (completion.res > 0) {
            received(fd, buffers_.bytes(completion));
            buffers_.give_back(completion.flags >> IORING_CQE_BUFFER_SHIFT);
        } else if (completion.res != -ENOBUFS) {
            floor_.remove(fd);
            ::close(fd);
            return;
        }
        if ((completion.flags & IORING_CQE_F_MORE) == 0) {
            receive(fd);
        }
    }

    void received(int fd, std::string_view bytes) {
        Connection& connection = floor_.at(fd);
        if (connection.state == Connection::State::kNew) {
            const std::string response = upgrade_response(bytes);
            (void)::send(fd, response.data(), response.size(), MSG_NOSIGNAL);  // once: not worth memory of its own
            connection.state = Connection::State::kOpen;
            return;
        }
        floor_.receive(fd, bytes);
        if (connection.state == Connection::State::kClosing) {
            say_goodbye(fd);
        }
    }

    void say_goodbye(int fd) {
        io_uring_sqe* sqe = ring_.next();
        ::io_uring_prep_send(sqe, fd, server_close().data(), server_close().size(), MSG_NOSIGNAL);
        sqe->flags |= IOSQE_IO_LINK;
        tag(sqe, Operation::kSayGoodbye, fd);
        sqe = ring_.next();
        ::io_uring_prep_shutdown(sqe, fd, SHUT_WR);
        tag(sqe, Operation::kShutDown, fd);
    }

    // One send at a time: what comes to be owed meanwhile goes with the next.
    void flush(int fd) {
        Connection& connection = floor_.at(fd);
        if (connection.owed.bytes == 0 || connection.is_sending) {
            return;
        }
        connection.is_sending = true;
        const std::string_view bytes = floor_.answers().next(connection.owed);
        io_uring_sqe* sqe = ring_.next();
        ::io_uring_prep_send(sqe, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        tag(sqe, Operation::kAnswer, fd);
    }

    void answered(int fd, int result) {
        Connection& connection = floor_.at(fd);
        if (connection.state == Connection::State::kFree) {
            return;
        }
        connection.is_sending = false;
        if (result < 0) {
            connection.owed.bytes = 0;  // lost: recv() will tell of it
            return;
        }
        floor_.answers().pay(connection.owed, static_cast<std::size_t>(result));
        flush(fd);
    }

    Floor floor_;
    int listener_;
    Ring ring_;
    ProvidedBuffers buffers_;
};

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) { benchmarks::BareUring{benchmarks::Arguments{argc, argv}}.run(); }
