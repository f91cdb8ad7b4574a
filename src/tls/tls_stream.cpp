#include "tls/tls_stream.hpp"

#include "tls/tls_error.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string_view>

namespace c10k {
namespace {

constexpr std::string_view kAnswerToHttp =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 51\r\nConnection: "
    "close\r\n\r\n"
    "This port speaks TLS: use https:// or wss:// here.\n";

// A record: fatal, unexpected_message (RFC 8446, 6.2).
constexpr std::string_view kUnexpectedMessage{"\x15\x03\x03\x00\x02\x02\x0A", 7};

bool is_capital(char c) noexcept { return c >= 'A' && c <= 'Z'; }

}  // namespace

std::span<char> TlsScratch::decrypted(std::size_t size) {
    if (size > size_) {
        decrypted_.reset(new char[size]);
        size_ = size;
    }
    return {decrypted_.get(), size};
}

struct TlsStream::Network {
    static int read(BIO* bio, char* bytes, int size) {
        std::span<const char>& incoming = of(bio).incoming_;
        BIO_clear_retry_flags(bio);
        if (incoming.empty()) {
            BIO_set_retry_read(bio);
            return -1;
        }
        const std::size_t taken = std::min(incoming.size(), static_cast<std::size_t>(size));
        std::memcpy(bytes, incoming.data(), taken);
        incoming = incoming.subspan(taken);
        return static_cast<int>(taken);
    }

    static int write(BIO* bio, const char* bytes, int size) {
        BIO_clear_retry_flags(bio);
        std::vector<char>& unsent = of(bio).unsent_;
        try {
            unsent.insert(unsent.end(), bytes, bytes + size);
        } catch (const std::bad_alloc&) {  // must not pass through OpenSSL, which is C
            return -1;
        }
        return size;
    }

    static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static TlsStream& of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

    // Null if there is no memory.
    static BIO* make(TlsStream& stream) noexcept {
        static BIO_METHOD* const method = [] {
            BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "c10k");
            BIO_meth_set_read(made, &read);
            BIO_meth_set_write(made, &write);
            BIO_meth_set_ctrl(made, &control);
            return made;
        }();
        BIO* bio = BIO_new(method);
        if (bio != nullptr) {
            BIO_set_data(bio, &stream);
            BIO_set_init(bio, 1);
        }
        return bio;
    }
};

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, const std::string& name)
    : context_(std::move(context)), session_(SSL_new(context_->get())) {
    BIO* network = Network::make(*this);
    if (session_ == nullptr || network == nullptr) {
        BIO_free(network);
        SSL_free(session_);
        throw std::bad_alloc{};
    }
    SSL_set_bio(session_, network, network);
    if (is_server()) {
        SSL_set_accept_state(session_);
        return;
    }
    SSL_set_connect_state(session_);
    X509_VERIFY_PARAM* wanted = SSL_get0_param(session_);
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) != 1) {  // then it is a name
        X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        X509_VERIFY_PARAM_set1_host(wanted, name.data(), name.size());
        SSL_set_tlsext_host_name(session_, name.c_str());
    }
}

TlsStream::~TlsStream() { SSL_free(session_); }

void TlsStream::start() { shake_hands(); }

std::span<char> TlsStream::receive(std::span<const char> bytes, TlsScratch& scratch) {
    if (failure_) {
        return {};
    }
    if (is_server() && !open_) {
        bytes = serve_handshake(bytes);
    }
    if (failure_ || (is_server() && !open_)) {
        return {};
    }
    incoming_ = bytes;
    const std::span<char> plain = scratch.decrypted(bytes.size() + TlsScratch::kRecordBytes + 1);
    std::size_t size = 0;
    if (open_ || shake_hands()) {
        ERR_clear_error();
        std::size_t read = 0;
        while (SSL_read_ex(session_, plain.data() + size, plain.size() - size, &read) == 1) {
            size += read;
        }
        switch (SSL_get_error(session_, 0)) {
            case SSL_ERROR_WANT_READ: break;
            case SSL_ERROR_ZERO_RETURN: ended_ = true; break;
            default: fail(take_tls_error(session_));
        }
    }
    incoming_ = {};
    return plain.first(size);
}

// Takes a client's handshake, record by record. Returns what comes behind it.
std::span<const char> TlsStream::serve_handshake(std::span<const char> bytes) {
    if (!bytes.empty() && hello_.is_fresh() && is_capital(bytes.front())) {  // a method: a record begins with 22
        unsent_.assign(kAnswerToHttp.begin(), kAnswerToHttp.end());
        fail(TlsFault::kSpokeHttp);
    }
    while (!bytes.empty() && !open_ && !failure_) {
        const std::size_t part = hello_.look(bytes);
        if (hello_.finding() == HelloWatch::Finding::kTooLong) {
            fail(TlsFault::kHelloTooLong);
            break;
        }
        incoming_ = bytes.first(part);
        bytes = bytes.subspan(part);
        shake_hands();
        if (hello_.finding() == HelloWatch::Finding::kOutOfPlace &&
            !failure_) {  // OpenSSL may wait, or skip the record
            unsent_.insert(unsent_.end(), kUnexpectedMessage.begin(), kUnexpectedMessage.end());
            fail(TlsFault::kOutOfPlace);
        } else if (hello_.type() == HelloWatch::kChangeCipherSpec && SSL_version(session_) < TLS1_3_VERSION) {
            hello_.stop();  // in TLS 1.3 a second ClientHello may follow (RFC 8446, 4.1.2 and D.4)
        }
    }
    incoming_ = {};
    return bytes;
}

bool TlsStream::shake_hands() {
    ERR_clear_error();
    const int result = SSL_do_handshake(session_);
    open_ = result == 1;
    if (!open_ && SSL_get_error(session_, result) != SSL_ERROR_WANT_READ) {
        fail(take_tls_error(session_));
    }
    return open_;
}

std::size_t TlsStream::write(std::span<const iovec> bytes, TlsScratch& scratch) {
    const std::span<char> record = scratch.record();
    std::size_t taken = 0;
    std::size_t filled = 0;
    const auto encrypt = [&] {
        ERR_clear_error();
        std::size_t written = 0;
        if (filled > 0 && SSL_write_ex(session_, record.data(), filled, &written) != 1) {
            fail(take_tls_error(session_));
        }
        taken += written;
        filled = 0;
        return !failure_;
    };
    if (!open_ || failure_) {
        return 0;
    }
    // Many small pieces make one record.
    for (const iovec& piece : bytes) {
        std::string_view rest{static_cast<const char*>(piece.iov_base), piece.iov_len};
        while (!rest.empty() && taken + filled < kMaxAhead) {
            const std::size_t part = std::min(rest.size(), record.size() - filled);
            std::memcpy(record.data() + filled, rest.data(), part);
            filled += part;
            rest.remove_prefix(part);
            if (filled == record.size() && !encrypt()) {
                return taken;
            }
        }
    }
    encrypt();
    return taken;
}

void TlsStream::finish() {
    if (open_ && !failure_) {
        ERR_clear_error();
        SSL_shutdown(session_);
    }
}

}  // namespace c10k
