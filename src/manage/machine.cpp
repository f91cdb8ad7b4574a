#include "manage/machine.hpp"

#include "base/text.hpp"
#include "loop/backends.hpp"
#include "web/setting_rows.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace c10k {
namespace {

using Number = Machine::Number;

constexpr std::string_view kAuto = name_of(BackendChoice::kAuto);
constexpr std::string_view kEpoll = name_of(BackendChoice::kEpoll);
constexpr std::string_view kUring = name_of(BackendChoice::kUring);

// The number of connections that every limit is compared with.
constexpr std::uint64_t kGoal = 1'000'000;
// The goal and some files more. It is also the default of Linux for fs.nr_open.
constexpr std::uint64_t kGoalFiles = 1'048'576;
// The number that the project is named after.
constexpr std::uint64_t kFew = 10'000;
constexpr std::uint64_t kMaxBacklog = 65'535;

// An idle connection, measured on Linux 6.18 over loopback: the kernel's socket, its place in a backend (an entry of
// epoll, or a receive that io_uring keeps armed), and about as much as a record and a view's coroutine take of ours.
constexpr std::uint64_t kSocketBytes = 3'100;
constexpr std::uint64_t kEpollBytes = 200;
constexpr std::uint64_t kUringBytes = 850;
constexpr std::uint64_t kOwnBytes = 1'000;
// A WebSocket of the echo test on a stream of HTTP/2, measured with 100,000 of them; the kernel has none of it.
constexpr std::uint64_t kStreamBytes = 900;

// ---- Reading

std::vector<std::string> words(const std::filesystem::path& file) {
    std::ifstream input{file};
    return {std::istream_iterator<std::string>{input}, std::istream_iterator<std::string>{}};
}

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream input{line};
    return {std::istream_iterator<std::string>{input}, std::istream_iterator<std::string>{}};
}

Number number_at(const std::vector<std::string>& words, std::size_t position) {
    if (position >= words.size()) {
        return std::nullopt;
    }
    return words[position] == "unlimited" ? Machine::kUnlimited : to_number<std::uint64_t>(words[position]);
}

// The rest of the first line that begins with `key`.
std::string after(const std::filesystem::path& file, std::string_view key) {
    std::ifstream input{file};
    for (std::string line; std::getline(input, line);) {
        if (line.starts_with(key)) {
            return line.substr(key.size());
        }
    }
    return {};
}

// Where the control group of this process is in the file system; empty if there is none of version 2.
struct GroupFolder {
    std::filesystem::path top;
    std::filesystem::path own;
};

GroupFolder find_group(const std::filesystem::path& proc) {
    const std::string group = after(proc / "self/cgroup", "0::");
    std::ifstream mounts{proc / "self/mountinfo"};
    for (std::string line; !group.empty() && std::getline(mounts, line);) {
        // ID PARENT DEVICE ROOT MOUNTPOINT OPTIONS... - TYPE SOURCE OPTIONS (proc_pid_mountinfo(5))
        const std::vector<std::string> fields = words_of(line);
        if (line.find(" - cgroup2 ") == std::string::npos || fields.size() < 5) {
            continue;
        }
        const std::filesystem::path top = fields[4];
        const std::filesystem::path below = std::filesystem::path{group}.lexically_relative(fields[3]);
        const bool is_seen = !below.empty() && *below.begin() != "..";
        return {top, is_seen ? (top / below).lexically_normal() : top};
    }
    return {};
}

// The lowest limit of the group and the groups around it.
std::optional<GroupMemory> group_memory(const std::filesystem::path& proc) {
    const GroupFolder group = find_group(proc);
    std::optional<GroupMemory> lowest;
    for (std::filesystem::path folder = group.own; !folder.empty(); folder = folder.parent_path()) {
        const std::filesystem::path file = folder / "memory.max";
        const Number bytes = number_at(words(file), 0);  // "max" is none
        if (bytes && (!lowest || *bytes < lowest->bytes)) {
            lowest = GroupMemory{*bytes, file};
        }
        if (folder == group.top || folder == folder.parent_path()) {
            break;
        }
    }
    return lowest;
}

BackendFacts look_at_backend(BackendChoice choice) {
    BackendFacts facts;
    try {
        facts.sockets = make_backend(choice)->capacity();
        facts.incremental_buffers = choice == BackendChoice::kUring && probe_uring().incremental_buffers;
    } catch (const std::system_error& error) {
        facts.refusal = error.what();
    }
    return facts;
}

// ---- Limits

std::string text(std::uint64_t number) { return number == Machine::kUnlimited ? "unlimited" : std::to_string(number); }

// `command` if the limit is below the wanted number.
std::string unless(std::uint64_t reaches, std::uint64_t wish, std::string command) {
    return reaches >= wish ? std::string{} : std::move(command);
}

std::string raise_open_files(const Machine& machine) {
    const std::string wish = std::to_string(kGoalFiles);
    const bool is_capped = machine.nr_open && *machine.nr_open < kGoalFiles;
    return (is_capped ? "sysctl -w fs.nr_open=" + wish + " && " : "") + "ulimit -Hn " + wish;
}

std::string raise_somaxconn() { return "sysctl -w net.core.somaxconn=" + std::to_string(kMaxBacklog); }

// The rest of them says nothing about a backend that cannot be used.
MachineLimit refused(const Machine& machine) {
    const bool by_sysctl = machine.io_uring_disabled.value_or(0) != 0;
    const std::string name{kUring};
    return {name,
            "refused",
            MachineLimit::Of::kHeld,
            0,
            machine.io_uring.refusal,
            by_sysctl ? "sysctl -w kernel.io_uring_disabled=0" : ""};
}

MachineLimit open_files(const Machine& machine, const Settings& settings, const std::string& backend) {
    const std::string value = machine.open_files ? text(*machine.open_files) : "unknown";
    if (backend == kEpoll) {
        return {"open files",
                value,
                MachineLimit::Of::kHeld,
                machine.epoll.sockets,
                "The process has an open file for each connection, and a few more. Lift it in the shell that starts "
                "the program, or with LimitNOFILE= in a systemd service.",
                unless(machine.epoll.sockets, kGoal, raise_open_files(machine))};
    }
    const std::uint64_t sockets = machine.io_uring.sockets * settings.workers;
    return {"open files",
            value,
            MachineLimit::Of::kHeld,
            sockets,
            "Connections are no open files, but the table of each ring can be as long as this limit; every worker has "
            "as many rings as it needs.",
            unless(sockets, kGoal, raise_open_files(machine))};
}

MachineLimit all_files(std::uint64_t file_max, std::uint64_t in_use) {
    const std::uint64_t left = file_max - std::min(file_max, in_use);
    return {"fs.file-max",
            text(file_max),
            MachineLimit::Of::kHeld,
            left,
            "Files and sockets of all processes together, less those that are there now.",
            unless(left, kGoal, "sysctl -w fs.file-max=" + std::to_string(in_use + 2 * kGoalFiles))};
}

// At `each` bytes.
MachineLimit memory(const Machine& machine, MachineLimit::Of of, std::uint64_t each, const std::string& meaning) {
    const std::uint64_t available = machine.memory.value_or(Machine::kUnlimited);
    if (machine.group_memory && machine.group_memory->bytes < available) {
        const std::uint64_t fit = machine.group_memory->bytes / each;
        return {"memory.max",
                std::to_string(machine.group_memory->bytes),
                of,
                fit,
                meaning + " The control group sets the limit.",
                unless(fit, kGoal, "echo max > " + machine.group_memory->file.string())};
    }
    return {"memory available", text(available), of, available / each, meaning, ""};
}

MachineLimit memory_of_sockets(const Machine& machine, const std::string& backend) {
    const std::uint64_t each = kSocketBytes + (backend == kEpoll ? kEpollBytes : kUringBytes) + kOwnBytes;
    return memory(machine, MachineLimit::Of::kHeld, each,
                  "An idle connection takes about " + std::to_string(each) +
                      " bytes, the kernel's included; clients on this machine take theirs as well.");
}

MachineLimit memory_of_streams(const Machine& machine) {
    return memory(machine, MachineLimit::Of::kStreams, kStreamBytes,
                  "An idle WebSocket on a stream of HTTP/2 takes about " + std::to_string(kStreamBytes) +
                      " bytes, and the kernel none; clients on this machine take theirs as well.");
}

MachineLimit tracked(std::uint64_t most) {
    return {"net.netfilter.nf_conntrack_max",
            text(most),
            MachineLimit::Of::kHeld,
            most,
            "The firewall tracks each connection, and drops packets of those that do not fit.",
            unless(most, kGoal, "sysctl -w net.netfilter.nf_conntrack_max=" + std::to_string(2 * kGoalFiles))};
}

MachineLimit backlog(std::uint64_t somaxconn, const Settings& settings) {
    return {"net.core.somaxconn",
            text(somaxconn),
            MachineLimit::Of::kArriving,
            std::min<std::uint64_t>(somaxconn, settings.backlog) * settings.workers,
            "The kernel completes so many before we take them, the setting backlog or this limit for each worker. "
            "Those beyond wait for a second or more.",
            unless(somaxconn, kMaxBacklog, raise_somaxconn())};
}

MachineLimit half_open(std::uint64_t most) {
    return {"net.ipv4.tcp_max_syn_backlog",
            text(most),
            MachineLimit::Of::kArriving,
            most,
            "Handshakes under way: without SYN cookies the kernel drops those beyond.",
            "sysctl -w net.ipv4.tcp_syncookies=1"};
}

MachineLimit data_pages(std::uint64_t pages) {
    return {"net.ipv4.tcp_mem",
            text(pages),
            MachineLimit::Of::kBusy,
            pages,
            "Pages for data that is sent or received, of all TCP sockets together. An idle connection has none, one "
            "with data has at least one.",
            unless(pages, kGoal,
                   "sysctl -w net.ipv4.tcp_mem=\"" + std::to_string(kGoalFiles / 2) + ' ' +
                       std::to_string(kGoalFiles / 4 * 3) + ' ' + std::to_string(kGoalFiles) + '"')};
}

MachineLimit ports(std::uint64_t first, std::uint64_t last) {
    constexpr std::uint64_t kLowest = 1024;
    constexpr std::uint64_t kHighest = 65'535;
    const std::uint64_t count = last < first ? 0 : last - first + 1;
    return {"net.ipv4.ip_local_port_range",
            text(first) + ' ' + text(last),
            MachineLimit::Of::kOneClient,
            count,
            "The ports that one address of this machine has as a client of one server. The server itself needs none.",
            unless(count, kHighest - kLowest + 1, "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"")};
}

CheckMessage warning(std::string id, std::string text, std::string hint) {
    return {CheckMessage::Level::kWarning, std::move(id), std::move(text), std::move(hint)};
}

}  // namespace

Machine look_at_machine(const std::filesystem::path& proc) {
    const std::filesystem::path sys = proc / "sys";
    const auto setting = [&sys](const char* file) { return number_at(words(sys / file), 0); };
    Machine machine;
    machine.cores = std::max(1U, std::thread::hardware_concurrency());

    const std::vector<std::string> open_files = words_of(after(proc / "self/limits", "Max open files"));
    machine.open_files = number_at(open_files, 0);
    machine.open_files_hard = number_at(open_files, 1);
    machine.nr_open = setting("fs/nr_open");
    const std::vector<std::string> files = words(sys / "fs/file-nr");  // in use, 0, most
    machine.files_in_use = number_at(files, 0);
    machine.file_max = number_at(files, 2);

    const std::vector<std::string> ports = words(sys / "net/ipv4/ip_local_port_range");
    machine.first_port = number_at(ports, 0);
    machine.last_port = number_at(ports, 1);
    machine.somaxconn = setting("net/core/somaxconn");
    machine.syncookies = setting("net/ipv4/tcp_syncookies");
    machine.max_syn_backlog = setting("net/ipv4/tcp_max_syn_backlog");
    machine.tcp_pages = number_at(words(sys / "net/ipv4/tcp_mem"), 2);  // from there on nothing more is granted
    machine.conntrack_count = setting("net/netfilter/nf_conntrack_count");
    machine.conntrack_max = setting("net/netfilter/nf_conntrack_max");

    if (const Number kib = number_at(words_of(after(proc / "meminfo", "MemAvailable:")), 0)) {
        machine.memory = *kib * 1024;
    }
    machine.group_memory = group_memory(proc);

    machine.io_uring_disabled = setting("kernel/io_uring_disabled");
    machine.epoll = look_at_backend(BackendChoice::kEpoll);
    machine.io_uring = look_at_backend(BackendChoice::kUring);
    return machine;
}

std::string_view to_text(MachineLimit::Of of) noexcept {
    switch (of) {
        case MachineLimit::Of::kArriving: return "arriving at once";
        case MachineLimit::Of::kOneClient: return "from one client address";
        case MachineLimit::Of::kBusy: return "with data at once";
        case MachineLimit::Of::kStreams: return "on streams of HTTP/2";
        case MachineLimit::Of::kHeld: break;
    }
    return "held";
}

std::string backend_in_force(const Machine& machine, const Settings& settings) {
    const bool takes_uring =
        settings.backend == kUring || (settings.backend == kAuto && machine.io_uring.refusal.empty());
    return std::string{takes_uring ? kUring : kEpoll};
}

std::vector<MachineLimit> limits(const Machine& machine, const Settings& settings) {
    const std::string backend = backend_in_force(machine, settings);
    std::vector<MachineLimit> found;
    if (backend == kUring && !machine.io_uring.refusal.empty()) {
        found.push_back(refused(machine));
    } else {
        found.push_back(open_files(machine, settings, backend));
    }
    if (machine.file_max) {
        found.push_back(all_files(*machine.file_max, machine.files_in_use.value_or(0)));
    }
    if (machine.memory || machine.group_memory) {
        found.push_back(memory_of_sockets(machine, backend));
        if (settings.http2 != "off") {
            found.push_back(memory_of_streams(machine));
        }
    }
    if (machine.conntrack_max && machine.conntrack_count.value_or(0) > 0) {
        found.push_back(tracked(*machine.conntrack_max));
    }
    if (machine.tcp_pages) {
        found.push_back(data_pages(*machine.tcp_pages));
    }
    if (machine.somaxconn) {
        found.push_back(backlog(*machine.somaxconn, settings));
    }
    if (machine.max_syn_backlog && machine.syncookies == 0) {
        found.push_back(half_open(*machine.max_syn_backlog));
    }
    if (machine.first_port && machine.last_port) {
        found.push_back(ports(*machine.first_port, *machine.last_port));
    }
    return found;
}

const MachineLimit* narrowest(const std::vector<MachineLimit>& limits, MachineLimit::Of of) {
    const MachineLimit* least = nullptr;
    for (const MachineLimit& limit : limits) {
        if (limit.of == of && (least == nullptr || limit.connections < least->connections)) {
            least = &limit;
        }
    }
    return least;
}

std::vector<CheckMessage> check_machine(const Machine& machine, const Settings& settings) {
    std::vector<CheckMessage> messages;
    if (machine.somaxconn && settings.backlog > *machine.somaxconn) {
        messages.push_back(warning("machine.W001",
                                   "backlog is " + std::to_string(settings.backlog) + ", but the kernel cuts it to " +
                                       std::to_string(*machine.somaxconn),
                                   raise_somaxconn()));
    }
    if (settings.workers > machine.cores) {
        messages.push_back(warning("machine.W002",
                                   "there are " + std::to_string(settings.workers) + " workers, but this process has " +
                                       std::to_string(machine.cores) + (machine.cores == 1 ? " core" : " cores"),
                                   "a worker keeps one core busy; more of them take turns"));
    }
    // The defaults are for any machine, and nobody has asked for so many.
    const auto compare = [&, found = limits(machine, settings)](std::string id, SettingMember setting,
                                                                std::uint32_t wanted, MachineLimit::Of of) {
        if (const MachineLimit* const least = narrowest(found, of); least != nullptr && wanted > least->connections) {
            messages.push_back(warning(std::move(id),
                                       std::string{name_of(setting)} + " is " + std::to_string(wanted) + ", but " +
                                           least->name + " = " + least->value + " leaves room for " +
                                           std::to_string(least->connections),
                                       least->command.empty() ? least->meaning : least->command));
        }
    };
    if (settings.max_tcp_connections > 0) {
        compare("machine.W004", &Settings::max_tcp_connections, settings.max_tcp_connections, MachineLimit::Of::kHeld);
    }
    if (settings.max_connections != Settings{}.max_connections) {
        compare("machine.W005", &Settings::max_connections, settings.max_connections,
                settings.http2 == "off" ? MachineLimit::Of::kHeld : MachineLimit::Of::kStreams);
    }
    const std::string backend = backend_in_force(machine, settings);
    if (backend == kEpoll && machine.epoll.sockets < kFew) {
        messages.push_back(
            warning("machine.W003",
                    "the limit of open files leaves room for " + std::to_string(machine.epoll.sockets) + " connections",
                    raise_open_files(machine)));
    }
    if (backend == kUring && !machine.io_uring.refusal.empty()) {
        messages.push_back({CheckMessage::Level::kError, "machine.E001",
                            "backend is io_uring, which cannot be used: " + machine.io_uring.refusal,
                            "backend = auto takes epoll instead"});
    }
    return messages;
}

}  // namespace c10k
