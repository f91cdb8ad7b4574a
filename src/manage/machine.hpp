#pragma once

#include "c10k/settings.hpp"
#include "web/checks.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The number of connections that fit on this machine, the limit that they reach first, and how to raise it.
namespace c10k {

// The abilities of a backend on this machine.
struct BackendFacts {
    std::string refusal;               // why it cannot be used; "" if it can
    std::uint64_t sockets = 0;         // that one loop can hold, as the limit of open files is
    bool incremental_buffers = false;  // io_uring: several receives share one buffer
};

// A limit that a control group (version 2) puts on the memory of this process.
struct GroupMemory {
    std::uint64_t bytes;
    std::filesystem::path file;
};

// The resources and limits of the machine. A number that it does not tell is empty.
struct Machine {
    using Number = std::optional<std::uint64_t>;

    // No limit at all.
    static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

    unsigned cores = 1;  // that this process may use

    Number open_files;       // RLIMIT_NOFILE, soft
    Number open_files_hard;  // RLIMIT_NOFILE, hard
    Number nr_open;          // what the hard limit can be raised to
    Number files_in_use;     // of all processes
    Number file_max;         // for all processes

    Number first_port;  // for connections that this machine opens
    Number last_port;
    Number somaxconn;
    Number syncookies;  // 0: none
    Number max_syn_backlog;
    Number tcp_pages;        // that all TCP sockets may use for data, 4 KiB each mostly
    Number conntrack_count;  // that the firewall tracks; 0 if it tracks none, as without rules that ask for it
    Number conntrack_max;

    Number memory;  // bytes available
    std::optional<GroupMemory> group_memory;

    Number io_uring_disabled;  // the sysctl: 0 allowed, 1 for some, 2 for nobody
    BackendFacts epoll;
    BackendFacts io_uring;
};

// Reads the folder `proc`, which tests replace, and asks the kernel which backends work.
[[nodiscard]] Machine look_at_machine(const std::filesystem::path& proc = "/proc");

// One limit of a machine.
struct MachineLimit {
    // Which connections it counts.
    enum class Of : std::uint8_t { kHeld, kStreams, kArriving, kOneClient, kBusy };

    std::string name;   // "open files"
    std::string value;  // "20000"
    Of of;
    std::uint64_t connections;  // that it allows
    std::string meaning;
    std::string command;  // lifts it, as root; "" if it allows a million or no command does
};

// "held", "arriving at once", ...
[[nodiscard]] std::string_view to_text(MachineLimit::Of of) noexcept;

// "epoll" or "io_uring": the backend that the setting `backend` chooses on this machine.
[[nodiscard]] std::string backend_in_force(const Machine& machine, const Settings& settings);

// The limits of this machine for the backend and the workers of the settings.
[[nodiscard]] std::vector<MachineLimit> limits(const Machine& machine, const Settings& settings);

// The limit that decides how many connections of one kind there can be. Null if none is of that kind; one of limits()
// is of kHeld.
[[nodiscard]] const MachineLimit* narrowest(const std::vector<MachineLimit>& limits, MachineLimit::Of of);

// Finds settings that this machine cannot satisfy. The ids of these messages begin with "machine".
[[nodiscard]] std::vector<CheckMessage> check_machine(const Machine& machine, const Settings& settings);

}  // namespace c10k
