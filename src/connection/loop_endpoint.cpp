#include "connection/loop_endpoint.hpp"

#include "loop/loop.hpp"

namespace c10k {

LoopEndpoint::LoopEndpoint(LoopServices& services, const Endpoint::Data& server)
    : server_(server), services_(services), windows_(services.handshake_windows, server.windows_key) {
    if (server.options.http2) {
        connections_.emplace(SharedConnections::of(services), server);
    }
}

// Those of a loop.
class LoopEndpoint::Use::All {
public:
    explicit All(Loop& loop) : services_(LoopServices::of(loop)) {}

    LoopEndpoint& add_client(const Endpoint::Data& server) {
        LoopEndpoint& endpoint = endpoints_.try_emplace(&server, services_, server).first->second;
        ++endpoint.clients_;
        return endpoint;
    }
    void remove_client(LoopEndpoint& endpoint) noexcept {
        if (--endpoint.clients_ == 0) {
            endpoints_.erase(&endpoint.server_);
        }
    }

private:
    LoopServices& services_;
    std::map<const Endpoint::Data*, LoopEndpoint> endpoints_;
};

LoopEndpoint::Use::Use(const Endpoint::Data& server) : endpoint_(Loop::current().local<All>().add_client(server)) {}

LoopEndpoint::Use::~Use() { endpoint_.services_.loop.local<All>().remove_client(endpoint_); }

}  // namespace c10k
