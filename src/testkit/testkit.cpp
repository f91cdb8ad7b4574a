#include "c10k/testkit.hpp"

#include "loop/loop.hpp"
#include "testkit/harness.hpp"
#include "testkit/inline_blocking.hpp"
#include "testkit/peer.hpp"
#include "testkit/services.hpp"
#include "web/dispatcher.hpp"
#include "wire/response_writer.hpp"

#include <memory>
#include <string>
#include <utility>

namespace c10k::testkit {
namespace {}  // namespace

Refused::Refused(Response response)
    : std::runtime_error("the handshake was answered with " + std::to_string(response.status)),
      response_(std::move(response)) {}

Settings quiet_settings() {
    Settings settings;
    settings.verbosity = 0;
    return settings;
}

// ---- Client

struct Client::State {
    State(Harness& harness, std::string_view target, const ClientOptions& options)
        : peer(harness, target, options.headers, options.subprotocols, {}, options.compression) {}

    WebSocketPeer peer;
};

Client::Client(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

Client::Client(Client&& other) noexcept = default;

Client& Client::operator=(Client&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
}

Client::~Client() {
    if (state_ && state_->peer.is_open()) {
        close(CloseCode::kGoingAway);
    }
}

void Client::send(const Message& message) {
    state_->peer.send_message(message);
    state_->peer.harness().run_until_idle();
}

Message Client::recv() { return state_->peer.recv(); }

bool Client::has_message() {
    state_->peer.harness().run_until_idle();
    return state_->peer.waiting() > 0;
}

void Client::close(std::uint16_t code, std::string_view reason) {
    state_->peer.close_with(code, reason);
    state_->peer.harness().run_until_idle();
}

void Client::vanish() {
    state_->peer.close();
    state_->peer.harness().run_until_idle();
}

bool Client::is_open() {
    state_->peer.harness().run_until_idle();
    return state_->peer.is_open();
}

const CloseInfo& Client::close_info() { return state_->peer.wait_for_close(); }

void Client::stop_reading() { state_->peer.stop_receiving(); }

void Client::go_on_reading() {
    state_->peer.start_receiving();
    state_->peer.harness().run_until_idle();
}

const std::string& Client::subprotocol() const noexcept { return state_->peer.subprotocol(); }

bool Client::is_compressed() const noexcept { return state_->peer.is_compressed(); }

std::size_t Client::bytes_received() const noexcept { return state_->peer.received_in_all(); }

// ---- Server

struct Server::State {
    State(Urls served, Settings chosen)
        : loop(shared_loop()), own_urls(std::move(served)), settings(std::move(chosen)), dispatcher(own_urls, settings),
          harness(*loop, dispatcher, settings) {
        InlineBlocking::limit(*loop, settings);
    }
    State(const Urls& served, const Settings& chosen, std::shared_ptr<Loop> shared)
        : loop(std::move(shared)), settings(chosen), dispatcher(served, settings),
          harness(*loop, dispatcher, settings) {}

    std::shared_ptr<Loop> loop;
    Urls own_urls;
    Settings settings;
    Dispatcher dispatcher;
    Harness harness;
};

Server::Server(Urls urls, Settings settings) : state_(std::make_unique<State>(std::move(urls), std::move(settings))) {}

Server::Server(Services& services, Urls urls) {
    Services::Parts& parts = *services.parts_;
    parts.site.urls = std::move(urls);
    state_ = std::make_unique<State>(parts.site.urls, parts.settings, parts.loop);
    parts.shared.metrics.add(state_->dispatcher.traffic());
}

Server::~Server() = default;

Client Server::connect(std::string_view target, const ClientOptions& options) {
    Client client{std::make_unique<Client::State>(state_->harness, target, options)};
    if (const Response& answer = client.state_->peer.answer(); answer.status != 101) {
        throw Refused{answer};
    }
    return client;
}

Response Server::get(std::string_view target, const Headers& headers) { return request("GET", target, headers); }

Response Server::post(std::string_view target, std::string_view body, const Headers& headers) {
    Headers fields = headers;
    if (!fields.get("Content-Type")) {
        fields.add("Content-Type", "application/x-www-form-urlencoded");
    }
    return request("POST", target, fields, body);
}

Response Server::request(std::string_view method, std::string_view target, const Headers& headers,
                         std::string_view body) {
    Headers fields = headers;
    if (!fields.get("Host")) {
        fields.add("Host", "localhost");
    }
    if (!body.empty() || method == "POST") {
        fields.set("Content-Length", std::to_string(body.size()));
    }
    fields.set("Connection", "close");
    std::string bytes;
    bytes.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
    for (const Headers::Field& field : fields) {
        wire::append_field(bytes, field.name, field.value);
    }
    bytes.append("\r\n").append(body);
    Peer peer{state_->harness};
    peer.send(bytes);
    return peer.take_response(method);
}

void Server::advance(Duration time) { state_->harness.advance(time); }

void Server::close() { state_->harness.close(); }

}  // namespace c10k::testkit
