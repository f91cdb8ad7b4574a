// The clients of a benchmark: bare sockets on epoll, on one thread, that know a WebSocket by the size of its frames.
//
//     load --mode echo --port 8000 --path /echo/ --connections 200 --payload 16 --in-flight 1
//          --warm-up 1 --seconds 5 --server PID

#include "load/modes.hpp"

int main(int argc, char** argv) {
    using namespace benchmarks;
    const Arguments arguments{argc, argv};
    const std::string mode = arguments.text("mode", "echo");
    if (mode == "echo") {
        echo(arguments);
    } else if (mode == "broadcast") {
        broadcast(arguments);
    } else if (mode == "handshakes") {
        handshakes(arguments);
    } else if (mode == "requests") {
        requests(arguments);
    } else if (mode == "idle") {
        idle(arguments);
    } else if (mode == "streams") {
        streams(arguments);
    } else {
        fail("--mode is echo, broadcast, handshakes, requests, idle or streams, not " + mode);
    }
}
