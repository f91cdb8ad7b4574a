#include "connection/loop_endpoint.hpp"

#include <memory>

namespace c10k {

LoopEndpoint::LoopEndpoint(LoopServices& services, const Endpoint::Data& server)
    : server_(server), services_(services), windows_(services.handshake_windows, server.windows_key) {
    if (server.options.http2) {
        connections_.emplace(SharedConnections::of(services), server);
    }
}

namespace {

LoopEndpoints& endpoints_of(LoopServices& services) {
    if (services.endpoints == nullptr) {
        services.endpoints = std::make_shared<LoopEndpoints>();
    }
    return *services.endpoints;
}

}  // namespace

LoopEndpoint::Use::Use(LoopServices& services, const Endpoint::Data& server)
    : endpoint_(endpoints_of(services).endpoints_.try_emplace(&server, services, server).first->second) {
    ++endpoint_.clients_;
}

LoopEndpoint::Use::~Use() {
    if (--endpoint_.clients_ == 0) {
        endpoint_.services_.endpoints->endpoints_.erase(&endpoint_.server_);
    }
}

}  // namespace c10k
