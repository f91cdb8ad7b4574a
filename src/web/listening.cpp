#include "web/listening.hpp"

#include "base/file_lock.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "web/entries.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace c10k {
namespace {

constexpr std::string_view kUnix = "unix:";

// The server asks the resolver for these names.
std::vector<std::string> names_of(std::string_view host) {
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    if (host == "*" || host == "::") {
        return {"0.0.0.0", "::"};
    }
    if (iequals(host, "localhost")) {
        return {"127.0.0.1", "::1"};
    }
    return {std::string{host}};
}

// The family or the address is none of this machine.
bool is_not_here(const std::error_code& error) {
    return error.value() == EADDRNOTAVAIL || error.value() == EAFNOSUPPORT;
}

// Whether no server listens on the socket of that file any more.
bool is_deserted(const Address& address) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket < 0) {
        return false;
    }
    const bool refused = ::connect(socket, address.get(), address.size()) < 0 && errno == ECONNREFUSED;
    ::close(socket);
    return refused;
}

// A program that was killed has its sockets a little longer if it had a ring (see open_listener()). One that is being
// started has bound its socket a moment before it listens: so it counts as deserted only when two looks find it so.
bool is_soon_deserted(const Address& address) {
    constexpr int kLooks = 8;
    constexpr std::chrono::milliseconds kPause{25};
    bool was_deserted = false;
    for (int i = 0; i < kLooks; ++i) {
        const bool is_now = is_deserted(address);
        if (is_now && was_deserted) {
            return true;
        }
        was_deserted = is_now;
        std::this_thread::sleep_for(kPause);
    }
    return false;
}

// Locks the folder of a socket, so that several programs that start there see one another's work. Anybody who may read
// the folder can lock it, too, so this does not wait very long, and goes on without the lock.
FileLock lock_folder_of(const std::string& path) {
    constexpr int kTries = 100;
    constexpr std::chrono::milliseconds kPause{20};
    const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
    const int descriptor = path.empty() ? -1 : ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FileLock lock{descriptor};
    for (int i = 0; descriptor >= 0 && i < kTries && !lock.try_lock(); ++i) {
        std::this_thread::sleep_for(kPause);
    }
    return lock;
}

// 0 if there is no such file.
ino_t inode_of(const std::string& path) {
    struct stat file {};
    return ::lstat(path.c_str(), &file) == 0 ? file.st_ino : 0;
}

void remove_deserted(const std::string& path, const Address& address) {
    struct stat file {};
    if (!path.empty() && ::lstat(path.c_str(), &file) == 0) {
        if (!S_ISSOCK(file.st_mode)) {
            throw std::runtime_error("cannot listen on " + address.text() + ": there is a file that is not a socket");
        }
        if (is_soon_deserted(address)) {
            ::unlink(path.c_str());
        }
    }
}

}  // namespace

std::vector<Address> listening_addresses(const Settings& settings) {
    const std::string_view host = settings.host;
    if (const auto fault = fault_of_listening_host(host)) {
        throw std::runtime_error("nobody can listen on the host '" + settings.host + "': " + fault->why + " (" +
                                 fault->hint + ')');
    }
    if (host.starts_with(kUnix)) {
        return {Address::unix_socket(host.substr(kUnix.size()))};
    }
    std::vector<Address> addresses;
    for (const std::string& name : names_of(host)) {
        const auto found = Address::resolve_all(name, static_cast<std::uint16_t>(settings.port));
        addresses.insert(addresses.end(), found.begin(), found.end());
    }
    std::stable_partition(addresses.begin(), addresses.end(),
                          [](const Address& address) { return address.family() == AF_INET; });
    return addresses;
}

std::vector<CheckMessage> check_listening(const Settings& settings) {
    if (fault_of_listening_host(settings.host)) {
        return {};  // check_settings() says so
    }
    try {
        static_cast<void>(listening_addresses(settings));
        return {};
    } catch (const std::runtime_error& failure) {
        return {{CheckMessage::Level::kError, "settings.E010", failure.what(), ""}};
    }
}

void throw_listening_failure(const Address& address, const std::error_code& error) {
    const char* const advice =
        error.value() == EADDRINUSE ? ": stop the program that listens there, or choose another address" : "";
    throw std::runtime_error("cannot listen on " + address.text() + ": " + error.message() + advice);
}

PortReservations::PortReservations(const std::vector<Address>& wanted) {
    constexpr int kTries = 16;  // to find a port that is free on all of them
    for (int i = 1; addresses_.empty(); ++i) {
        reserve(wanted, i == kTries || wanted.front().port() != 0);
    }
}

void PortReservations::reserve(const std::vector<Address>& wanted, bool is_last_try) {
    std::vector<std::string> absent;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        Address address = wanted[i];
        if (!addresses_.empty()) {
            address.set_port(addresses_.front().port());
        }
        try {
            addresses_.push_back(reservations_.emplace_back(address).address());
        } catch (const std::system_error& error) {
            const bool is_last = i + 1 == wanted.size();
            if (is_not_here(error.code()) && !(is_last && addresses_.empty())) {
                absent.push_back(address.text());
                continue;
            }
            if (error.code().value() == EADDRINUSE && !addresses_.empty() && !is_last_try) {
                addresses_.clear();
                reservations_.clear();
                return;
            }
            throw_listening_failure(address, error.code());
        }
    }
    for (const std::string& address : absent) {
        log::info("not listening on " + address + ", which this machine does not have");
    }
}

UnixListener::UnixListener(const Address& address, int backlog) : path_(address.unix_path()) {
    const FileLock lock = lock_folder_of(path_);
    remove_deserted(path_, address);
    try {
        descriptor_ = open_listener(address, backlog, PortUse::kAlone, Blocking::kNo);
    } catch (const std::system_error& error) {
        throw_listening_failure(address, error.code());
    }
    file_ = inode_of(path_);
}

UnixListener::~UnixListener() {
    if (!path_.empty() && inode_of(path_) == file_) {
        ::unlink(path_.c_str());
    }
}

}  // namespace c10k
