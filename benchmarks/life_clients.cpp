// The clients of the floor under the Game of Life, made of c10k's own client: each says its state and, when it has
// heard eight of its neighbours, says the next. Who answers is a floor, started with --payload 10 --answers 8.
//
//     life_clients --port 8000 --connections 10000 --warm-up 1 --seconds 5 --server PID

#include "measurement.hpp"
#include "program.hpp"

#include <c10k/client.hpp>
#include <c10k/task.hpp>
#include <c10k/websocket.hpp>

#include <cstddef>
#include <cstdlib>
#include <string>

namespace benchmarks {
namespace {

using namespace c10k;
using namespace std::chrono_literals;

constexpr int kNeighbours = 8;
// More at once would only wait in the server's backlog.
constexpr std::size_t kConnectingAtOnce = 256;

class LifeClients {
public:
    explicit LifeClients(const Arguments& arguments)
        : measurement_(arguments), server_("ws://127.0.0.1:" + arguments.text("port", "8000") + "/"),
          count_(arguments.number("connections", 10'000)) {}

    Task<> run() {
        co_await task_group([&](TaskGroup& all) -> Task<> {
            for (std::size_t i = 0; i < count_; ++i) {
                while (i >= open_ + kConnectingAtOnce) {
                    co_await sleep_for(1ms);
                }
                all.spawn(connect(server_, [this](WebSocket& socket) { return play(socket); }));
            }
            while (open_ < count_) {
                co_await sleep_for(1ms);
            }
            measurement_.start();
            playing_ = true;
            while (measurement_.is_running()) {
                co_await sleep_for(1ms);
            }
            measurement_.print();
            std::exit(0);
        });
    }

private:
    Task<> play(WebSocket& socket) {
        ++open_;
        while (!playing_) {
            co_await sleep_for(10ms);
        }
        for (;;) {
            co_await socket.send(state_);
            for (int heard = 0; heard < kNeighbours; ++heard) {
                if (!co_await socket.recv()) {
                    fail("the server has closed a connection");
                }
            }
            measurement_.count(1);
        }
    }

    Measurement measurement_;
    Endpoint server_;
    std::size_t count_;
    std::size_t open_ = 0;
    bool playing_ = false;
    Message state_{"57 45 67 1"};  // of the length that STEP ROW COL STATE most often has
};

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
    benchmarks::raise_file_limit();
    benchmarks::LifeClients clients{benchmarks::Arguments{argc, argv}};
    c10k::run(clients.run());
}
