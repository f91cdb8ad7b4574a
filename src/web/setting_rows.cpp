#include "web/setting_rows.hpp"

#include "c10k/message.hpp"
#include "wire/protocol.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace c10k {
namespace {

constexpr std::uint64_t kOneMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kOneGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kOneSecond = 1'000;
constexpr std::uint64_t kOneHour = 3'600'000;
constexpr SettingBounds kUpToOneHour{1, kOneHour};
constexpr SettingBounds kSeconds{kOneSecond, kOneHour};
constexpr SettingBounds kUpToOneGiB{1, kOneGiB};
constexpr SettingBounds kAnySize{0, kOneGiB};

constexpr std::array<std::string_view, 3> kLiveWords{"auto", "on", "off"};
constexpr std::array<std::string_view, 3> kHttp2Words{"off", "trusted", "on"};
constexpr std::array<std::string_view, 4> kLiveControlWords{"auto", "off", "loopback", "all"};

constexpr std::array kRows{
    SettingRow{"host", "", &Settings::host,
               "Where to listen: an address, a name (on all of its addresses), * for every address, or unix:PATH for a "
               "socket in the file system. Only this machine reaches 127.0.0.1; everybody reaches 0.0.0.0, :: and *."},
    SettingRow{"port", "", &Settings::port, "The port to listen on; 0 takes any that is free.", {0, 65'535}},
    SettingRow{"backend", "", &Settings::backend,
               "How a loop talks to the kernel: epoll, io_uring, or auto: io_uring where the kernel allows it."},
    SettingRow{"workers",
               "loops",
               &Settings::workers,
               "Each loop has a thread, a listening socket and the connections that it accepts: one for each core that "
               "is to serve.",
               {1, 64}},
    SettingRow{"backlog",
               "connections",
               &Settings::backlog,
               "Connections that the kernel completes before the server accepts them: room for a burst. "
               "net.core.somaxconn caps it.",
               {1, 65'535}},
    SettingRow{"tls_certificate", "", &Settings::tls_certificate,
               "PEM files, each with a certificate and then those between it and the authority. With them the port "
               "speaks TLS only. A client gets the certificate for the name that it asks for, or else the first."},
    SettingRow{"tls_key", "", &Settings::tls_key,
               "The files of their private keys, in the same order. The server reads all of them again on SIGHUP."},
    SettingRow{
        "max_connections",
        "",
        &Settings::max_connections,
        "Clients over all loops: connections of HTTP/1.1, WebSockets, and streams of HTTP/2 with a request. Further "
        "ones get 503, so that memory stays with those who are here.",
        {1},
        Limit::kMaxConnections},
    SettingRow{
        "max_tcp_connections",
        "",
        &Settings::max_tcp_connections,
        "Over all loops: descriptors and the kernel's memory. A connection of HTTP/2 counts here once, and each of "
        "its streams in max_connections. Further ones get 503. 0: as many as max_connections. On most machines "
        "descriptors run out first.",
        {},
        Limit::kMaxTcpConnections},
    SettingRow{"max_connections_per_address",
               "",
               &Settings::max_connections_per_address,
               "TCP connections. Further clients get 503. 0: no limit, since a whole company or a mobile network may "
               "share one address. All of an IPv6 /64 counts as one address. Connections from trusted_proxies are not "
               "counted.",
               {},
               Limit::kMaxConnectionsPerAddress},
    SettingRow{
        "max_newcomers",
        "",
        &Settings::max_newcomers,
        "Connections whose first request has not arrived in full. The workers divide it evenly. A worker that has "
        "its share accepts no more and ends late ones: after half of head_time, or sooner while only that makes "
        "room.",
        {1},
        Limit::kMaxNewcomers},
    SettingRow{"debug", "", &Settings::debug,
               "Error pages show what went wrong, and changed templates are read again. Off by default: strangers must "
               "not see that."},
    SettingRow{
        "verbosity",
        "",
        &Settings::verbosity,
        "0 logs failures only, 1 also requests, and WebSockets (summed up when they are many), 2 each WebSocket.",
        {0, 2}},
    SettingRow{"live",
               "",
               &Settings::live,
               "Whether /_live/ shows connections, messages, queues and loops, on a port of its own. auto is on with "
               "debug, and for a runserver that reloads, and off otherwise: whoever sees it sees paths and addresses.",
               {},
               {},
               kLiveWords},
    SettingRow{"live_host", "", &Settings::live_host,
               "Where the dashboard listens: an address, or a name. Only this machine reaches 127.0.0.1. Anywhere else "
               "it wants tls_certificate, or its token could be read on the way."},
    SettingRow{
        "live_port",
        "",
        &Settings::live_port,
        "The port of the dashboard; 0 takes any that is free, which stays the same while runserver or serve runs.",
        {0, 65'535}},
    SettingRow{"live_token", "", &Settings::live_token,
               "The secret that opens the dashboard, at least 16 characters: set it to keep one address over restarts. "
               "By default each start makes one and prints it. Everybody can read command lines: keep it in c10k.conf "
               "or the environment."},
    SettingRow{"live_control",
               "",
               &Settings::live_control,
               "Who may close WebSockets from the dashboard, and read the messages of one: off is nobody, loopback the "
               "browsers on this machine, all everybody who has the token. auto is loopback where live=auto is on, and "
               "off otherwise.",
               {},
               {},
               kLiveControlWords},
    SettingRow{"allowed_hosts", "", &Settings::allowed_hosts,
               "The names of this server: a name, .example.com for all names below it too, or *. The server refuses "
               "requests for other names, so that no link is built from a forged one. It always allows the machine's "
               "own."},
    SettingRow{"allowed_origins", "", &Settings::allowed_origins,
               "Sites whose pages may open WebSockets here besides our own, such as https://example.com. Browsers send "
               "cookies with such a request, whichever page makes it."},
    SettingRow{"trusted_proxies", "", &Settings::trusted_proxies,
               "Addresses and networks, such as 127.0.0.1 or 10.0.0.0/8, and unix: for clients of a unix socket. The "
               "server believes X-Forwarded-For and X-Forwarded-Proto from them only: anybody can write these fields."},
    SettingRow{"proxy_protocol", "", &Settings::proxy_protocol,
               "Each connection begins with a header of the PROXY protocol, version 1 or 2, which names its client. "
               "Only trusted_proxies may connect then: anybody can write such a header."},
    SettingRow{"template_folders", "", &Settings::template_folders, "Searched for templates before the site's own."},
    SettingRow{"static_folders", "", &Settings::static_folders, "Searched for static files before the site's own."},
    SettingRow{"max_request_line_bytes",
               "bytes",
               &Settings::max_request_line_bytes,
               "A longer request line gets 414. RFC 9112, 3 wants at least 8000 bytes.",
               {64, kOneMiB},
               Limit::kMaxRequestLineBytes},
    SettingRow{"max_head_bytes",
               "bytes",
               &Settings::max_head_bytes,
               "A larger head gets 431: the server holds it before it knows what the client wants.",
               {128, kOneMiB},
               Limit::kMaxHeadBytes},
    SettingRow{"max_header_fields",
               "",
               &Settings::max_header_fields,
               "More fields get 431. Browsers send about twenty.",
               {1, 10'000},
               Limit::kMaxHeaderFields},
    SettingRow{
        "max_body_bytes", "bytes", &Settings::max_body_bytes,
        "A larger body gets 413: the server holds a request in memory whole. Views that read the body themselves "
        "have limits of their own.",
        kAnySize, Limit::kMaxBodyBytes},
    SettingRow{"body_buffer_bytes", "bytes", &Settings::body_buffer_bytes,
               "The server reads ahead so much of a body that the view reads in pieces. The client waits meanwhile.",
               kUpToOneGiB, Limit::kBodyBufferBytes},
    SettingRow{"head_time", "s", &Settings::head_time,
               "From the first byte of a request (from the connect, for the first request) to the end of its head: "
               "slow clients must not pile up.",
               kUpToOneHour, Limit::kHeadTime},
    SettingRow{"body_time", "s", &Settings::body_time,
               "From the end of the head to the end of the body. Of a body that the view reads in pieces: how long the "
               "client may send nothing while the view waits.",
               kUpToOneHour, Limit::kBodyTime},
    SettingRow{"min_body_rate",
               "bytes/s",
               &Settings::min_body_rate,
               "A body that is slower on average gets 408: it holds memory for as long as it takes. 0: body_time only.",
               {},
               Limit::kMinBodyRate},
    SettingRow{"body_grace", "s", &Settings::body_grace,
               "How long after a body began min_body_rate does not apply yet.", kUpToOneHour},
    SettingRow{"idle_time", "s", &Settings::idle_time,
               "Between two requests on one connection: longer than the minute that proxies wait.", kUpToOneHour,
               Limit::kIdleTime},
    SettingRow{"write_time", "s", &Settings::write_time, "How long a client may take no byte of an answer.",
               kUpToOneHour, Limit::kWriteTime},
    SettingRow{
        "min_response_rate",
        "bytes/s",
        &Settings::min_response_rate,
        "A client that takes less of an answer, on average over write_time, is cut off: the server holds what is "
        "unsent in memory. 0: write_time only.",
        {},
        Limit::kMinResponseRate},
    SettingRow{"half_closed_time",
               "s",
               &Settings::half_closed_time,
               "How long a view or a stream may go on for a client that has finished sending. Most such clients have "
               "gone.",
               {0, kOneHour}},
    SettingRow{"keepalive_time", "s", &Settings::keepalive_time,
               "How long a client's machine may leave TCP's probes unanswered: this finds lost connections even where "
               "nothing is to be written. Never less than write_time, or than ping_interval and ping_timeout together.",
               kSeconds},
    SettingRow{
        "shutdown_time", "s", &Settings::shutdown_time,
        "How long requests and WebSockets may take to end when the server stops; then they are cut. Docker waits "
        "ten seconds in all.",
        kUpToOneHour, Limit::kShutdownTime},
    SettingRow{"restart_grace",
               "s",
               &Settings::restart_grace,
               "How long WebSockets go on after another program has taken over, before they are closed with 1012.",
               {0, kOneHour}},
    SettingRow{"drain_rate",
               "connections/s",
               &Settings::drain_rate,
               "How fast a server that stops closes its WebSockets: their clients come back at once. It is faster if "
               "half of shutdown_time would not be enough.",
               {1, 10'000'000}},
    SettingRow{"handshake_time", "s", &Settings::handshake_time,
               "How long a view may take to accept or refuse a WebSocket. The server answers 503 after that.",
               kUpToOneHour, Limit::kHandshakeTime},
    SettingRow{"max_message_bytes", "bytes", &Settings::max_message_bytes,
               "A larger message is closed with 1009: the server holds a message in memory whole.", kUpToOneGiB,
               Limit::kMaxMessageBytes},
    SettingRow{"max_fragment_bytes", "bytes", &Settings::max_fragment_bytes,
               "One frame of a fragmented message. A larger one is closed with 1009. 0: as large as max_message_bytes, "
               "which limits all of them together.",
               kAnySize, Limit::kMaxFragmentBytes},
    SettingRow{"max_fragments",
               "",
               &Settings::max_fragments,
               "Frames of one message. They may be empty: work without bytes. More of them are closed with 1008.",
               {1, wire::Protocol::kMaxFragments},
               Limit::kMaxFragments},
    SettingRow{"message_time", "s", &Settings::message_time,
               "From the first byte of a message to its last; closed with 1008 after that, since the server holds what "
               "has arrived. The default allows a megabyte at 9 KB/s.",
               kUpToOneHour, Limit::kMessageTime},
    SettingRow{"compression", "", &Settings::compression,
               "Whether WebSockets compress their messages (permessage-deflate) if the client can and the route does "
               "not say. Off by default: compression takes several times the CPU of everything else."},
    SettingRow{"compression_from_bytes", "bytes", &Settings::compression_from_bytes,
               "Smaller messages are sent uncompressed: they would save too little for the time.", kAnySize},
    SettingRow{"compression_context_takeover", "", &Settings::compression_context_takeover,
               "Whether a message may refer to earlier ones: small, similar ones get several times smaller, but each "
               "WebSocket keeps tens of kilobytes."},
    SettingRow{"compression_window_bits",
               "",
               &Settings::compression_window_bits,
               "How far a message may refer back: 12 means 4 KiB, and takes an eighth of the memory of 15. 8 means 9, "
               "unless the peer asks for 8.",
               {8, 15}},
    SettingRow{"inbox_bytes", "bytes", &Settings::inbox_bytes,
               "Messages that the view has not received. Beyond it the server stops reading, and the client has to "
               "wait.",
               kUpToOneGiB, Limit::kInboxBytes},
    SettingRow{"outbox_bytes", "bytes", &Settings::outbox_bytes,
               "Bytes that the client has not taken. Beyond it send() waits.", kUpToOneGiB, Limit::kOutboxBytes},
    SettingRow{
        "kernel_unsent_bytes",
        "bytes",
        &Settings::kernel_unsent_bytes,
        "Bytes of an outbox that the kernel takes before it can send them: enough to go on until the loop brings "
        "more. No other limit counts these bytes when a client does not read.",
        {4096, 16 * kOneMiB}},
    SettingRow{"slow_bytes", "bytes", &Settings::slow_bytes,
               "Groups do not wait. A member with more than this to take for slow_time is too slow, and is closed with "
               "1013 unless its route says otherwise.",
               kUpToOneGiB},
    SettingRow{"slow_time", "s", &Settings::slow_time, "One burst must not cost a healthy member its place.",
               kUpToOneHour, Limit::kSlowTime},
    SettingRow{"slow_limit_bytes", "bytes", &Settings::slow_limit_bytes,
               "A member with more than this to take is too slow at once: memory cannot wait for slow_time.",
               kUpToOneGiB, Limit::kSlowLimitBytes},
    SettingRow{"mailbox_bytes",
               "bytes",
               &Settings::mailbox_bytes,
               "What other loops have sent to a busy loop that has not read it. Messages beyond it are lost: the "
               "group's members on that loop are closed with 1013 or miss them, as their routes say of slow members.",
               {4096, kOneGiB},
               Limit::kMailboxBytes},
    SettingRow{
        "blocking_threads",
        "threads",
        &Settings::blocking_threads,
        "Threads for run_blocking(), over all loops. A thread starts when all others are busy. More of them help "
        "functions that wait, as for a database, and few database servers take more connections than this.",
        {1, 4096}},
    SettingRow{
        "blocking_queue",
        "",
        &Settings::blocking_queue,
        "Functions that wait for one of blocking_threads, in the order in which they came. A page whose function "
        "finds no room gets 503, a WebSocket 1013. The default has room for ten thousand clients that come back "
        "at once.",
        {1, 10'000'000},
        Limit::kBlockingQueue},
    SettingRow{
        "record", "", &Settings::record,
        "A folder: each start of the server adds a file with all messages of its WebSockets, which manage replay "
        "plays again. They are what people have said: nobody else may read the files."},
    SettingRow{
        "record_connection_bytes", "bytes", &Settings::record_connection_bytes,
        "What is recorded of one WebSocket: payload, and 64 bytes for each message. The rest of it is cut, so that one "
        "does not fill the file.",
        kUpToOneGiB},
    SettingRow{
        "record_bytes", "bytes", &Settings::record_bytes,
        "What is recorded in all: payload, and 64 bytes for each event. The recording ends there, so that it does not "
        "fill the disk.",
        kUpToOneGiB},
    SettingRow{"record_payloads", "", &Settings::record_payloads,
               "Whether messages are recorded with what they say, or only with their size. Only what clients said can "
               "be replayed."},
    SettingRow{"record_redact", "", &Settings::record_redact,
               "A regular expression (POSIX, extended): what it matches in a message, a path or a reason becomes "
               "[redacted] in the recording, such as secrets."},
    SettingRow{
        "ping_interval", "s", &Settings::ping_interval,
        "How long a client may be silent before it is sent a ping: proxies cut connections that are silent for a "
        "minute.",
        kSeconds},
    SettingRow{"ping_timeout", "s", &Settings::ping_timeout,
               "How long a client may be silent after the ping before it counts as gone.", kSeconds,
               Limit::kPingTimeout},
    SettingRow{
        "close_time", "s", &Settings::close_time,
        "How long each step of a close may take, the answer to a close frame and then the end of the connection: "
        "a client that does not answer must not delay the server's end.",
        kUpToOneHour, Limit::kCloseTime},
    SettingRow{
        "http2",
        "",
        &Settings::http2,
        "Who may speak HTTP/2 here, over TLS by ALPN and over plain TCP with prior knowledge: off is nobody, trusted "
        "only http2_trusted, on everybody. It pays for peers that carry many WebSockets on few connections, such as "
        "HAProxy or our own clients; browsers open one connection each and gain nothing.",
        {},
        {},
        kHttp2Words},
    SettingRow{
        "http2_trusted", "", &Settings::http2_trusted,
        "Addresses and networks, and unix: for clients of a unix socket, that may speak HTTP/2 when http2=trusted: the "
        "proxies and programs that are ours."},
    SettingRow{
        "max_streams",
        "streams",
        &Settings::max_streams,
        "Requests and WebSockets at a time on one HTTP/2 connection. Further ones are refused, and the client may "
        "try again. A proxy that brings many clients needs as many as it brings.",
        {1, kOneGiB},
        Limit::kMaxStreams},
    SettingRow{
        "stream_window_bytes",
        "bytes",
        &Settings::stream_window_bytes,
        "Bytes of one stream of HTTP/2 that its view has not taken. The client sends no more until some are gone: "
        "it is also what an upload may have on its way.",
        {1, kOneGiB}},
    SettingRow{
        "connection_window_bytes",
        "bytes",
        &Settings::connection_window_bytes,
        "The same for all streams of one HTTP/2 connection together: the memory that it can take. When views that "
        "do not read have filled it, its other streams wait, too.",
        {65'535, kOneGiB},
        Limit::kConnectionWindowBytes},
    SettingRow{
        "max_stream_resets",
        "streams/s",
        &Settings::max_stream_resets,
        "Streams of HTTP/2 that a client may break off before they are answered, or make the server break off; ten "
        "times as many at once. Each costs the server a request, and the client nothing.",
        {1, kOneGiB},
        Limit::kMaxStreamResets},
    SettingRow{
        "max_control_frames",
        "frames/s",
        &Settings::max_control_frames,
        "Frames of HTTP/2 that carry nothing, such as PING, beyond those that the client's streams need; ten times "
        "as many at once. A client that sends more wants to keep the server busy.",
        {1, kOneGiB},
        Limit::kMaxControlFrames},
};

constexpr std::array kOrders{
    SettingOrder{&Settings::max_request_line_bytes, &Settings::max_head_bytes, "settings.E001",
                 "the head begins with the request line"},
    SettingOrder{&Settings::outbox_bytes, &Settings::slow_bytes, "settings.E002",
                 "a member would be cut before a view that sends to it has to wait"},
    SettingOrder{&Settings::slow_bytes, &Settings::slow_limit_bytes, "settings.E007",
                 "a member may hold slow_bytes for a while, but never more than slow_limit_bytes"},
    SettingOrder{&Settings::stream_window_bytes, &Settings::connection_window_bytes, "settings.E008",
                 "a stream's bytes are also its connection's"},
};

constexpr bool has_one_row_for_each_limit() {
    std::array<std::size_t, kLimitCount> rows{};
    for (const SettingRow& row : kRows) {
        if (row.limit) {
            ++rows[static_cast<std::size_t>(*row.limit)];
        }
    }
    return std::all_of(rows.begin(), rows.end(), [](std::size_t count) { return count == 1; });
}
static_assert(has_one_row_for_each_limit(), "a limit is counted under the name of the one setting that it is");
static_assert(kOneGiB == Message::kMaxSize, "a message may be as large as a setting allows");

}  // namespace

std::span<const SettingRow> setting_rows() noexcept { return kRows; }

std::span<const SettingOrder> setting_orders() noexcept { return kOrders; }

std::string_view name_of(SettingMember member) noexcept {
    return std::find_if(kRows.begin(), kRows.end(), [&member](const SettingRow& row) { return row.member == member; })
        ->name;
}

}  // namespace c10k
