#include "manage/machine.hpp"

#include "web/folder.hpp"

#include <gtest/gtest.h>
#include <string>

namespace c10k {
namespace {

// A control group in whose parent another memory limit may be.
void write_groups(const Folder& proc, const std::string& root) {
    proc.write("self/cgroup", "4:memory:/old\n0::/box/inner\n");
    proc.write("self/mountinfo",
               "30 22 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
               "40 30 0:37 " +
                   root + ' ' + (proc.path() / "groups").string() + " rw,relatime shared:9 - cgroup2 cgroup2 rw\n");
}

// One on which a million fit, with either backend.
Machine large_machine() {
    Machine machine;
    machine.cores = 8;
    machine.open_files = machine.open_files_hard = machine.nr_open = 2'000'000;
    machine.files_in_use = 1'000;
    machine.file_max = 9'000'000;
    machine.first_port = 1024;
    machine.last_port = 65'535;
    machine.somaxconn = 65'535;
    machine.syncookies = 1;
    machine.max_syn_backlog = 2'048;
    machine.tcp_pages = 3'000'000;
    machine.memory = std::uint64_t{64} << 30;
    machine.epoll.sockets = 1'999'936;
    machine.io_uring.sockets = 1024 * 32'768;
    return machine;
}

Settings settings_with(const std::string& backend) {
    Settings settings;
    settings.backend = backend;
    return settings;
}

MachineLimit find(const std::vector<MachineLimit>& limits, const std::string& name) {
    for (const MachineLimit& limit : limits) {
        if (limit.name == name) {
            return limit;
        }
    }
    ADD_FAILURE() << "no limit " << name;
    return {};
}

std::string ids(const std::vector<CheckMessage>& messages) {
    std::string text;
    for (const CheckMessage& message : messages) {
        text += (text.empty() ? "" : " ") + message.id;
    }
    return text;
}

// ---- Reading

TEST(Machine, IsReadFromProc) {
    const Folder proc;
    proc.write("self/limits",
               "MachineLimit                     Soft MachineLimit           Hard MachineLimit           Units     \n"
               "Max processes             96364                96364                processes \n"
               "Max open files            1024                 unlimited            files     \n");
    proc.write("sys/fs/nr_open", "1048576\n");
    proc.write("sys/fs/file-nr", "1234\t0\t9223372036854775807\n");
    proc.write("sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    proc.write("sys/net/core/somaxconn", "4096\n");
    proc.write("sys/net/ipv4/tcp_syncookies", "1\n");
    proc.write("sys/net/ipv4/tcp_max_syn_backlog", "2048\n");
    proc.write("sys/net/ipv4/tcp_mem", "287898\t383865\t575796\n");
    proc.write("sys/net/netfilter/nf_conntrack_count", "7\n");
    proc.write("sys/net/netfilter/nf_conntrack_max", "262144\n");
    proc.write("sys/kernel/io_uring_disabled", "2\n");
    proc.write("meminfo", "MemTotal:       24683620 kB\nMemAvailable:   2000 kB\n");
    const Machine machine = look_at_machine(proc.path());
    EXPECT_EQ(machine.open_files, 1024);
    EXPECT_EQ(machine.open_files_hard, Machine::kUnlimited);
    EXPECT_EQ(machine.nr_open, 1'048'576);
    EXPECT_EQ(machine.files_in_use, 1234);
    EXPECT_EQ(machine.file_max, 9'223'372'036'854'775'807U);
    EXPECT_EQ(machine.first_port, 32'768);
    EXPECT_EQ(machine.last_port, 60'999);
    EXPECT_EQ(machine.somaxconn, 4096);
    EXPECT_EQ(machine.syncookies, 1);
    EXPECT_EQ(machine.max_syn_backlog, 2048);
    EXPECT_EQ(machine.tcp_pages, 575'796);
    EXPECT_EQ(machine.conntrack_count, 7);
    EXPECT_EQ(machine.conntrack_max, 262'144);
    EXPECT_EQ(machine.io_uring_disabled, 2);
    EXPECT_EQ(machine.memory, 2000 * 1024);
    EXPECT_GE(machine.cores, 1U);
}

TEST(Machine, LeavesOutWhatItIsNotTold) {
    const Folder proc;
    proc.write("sys/net/core/somaxconn", "many\n");
    const Machine machine = look_at_machine(proc.path());
    EXPECT_EQ(machine.open_files, std::nullopt);
    EXPECT_EQ(machine.somaxconn, std::nullopt);
    EXPECT_EQ(machine.memory, std::nullopt);
    EXPECT_FALSE(machine.group_memory);
    const std::vector<MachineLimit> found = limits(machine, settings_with("epoll"));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(narrowest(found, MachineLimit::Of::kHeld)->connections, machine.epoll.sockets);
}

TEST(Machine, TakesTheLowestMemoryLimitOfItsControlGroups) {
    const Folder proc;
    write_groups(proc, "/");
    proc.write("groups/box/inner/memory.max", "max\n");
    EXPECT_FALSE(look_at_machine(proc.path()).group_memory);
    proc.write("groups/box/memory.max", "3000000\n");
    ASSERT_TRUE(look_at_machine(proc.path()).group_memory);
    EXPECT_EQ(look_at_machine(proc.path()).group_memory->bytes, 3'000'000);
    proc.write("groups/box/inner/memory.max", "2000000\n");
    EXPECT_EQ(look_at_machine(proc.path()).group_memory->bytes, 2'000'000);
    EXPECT_EQ(look_at_machine(proc.path()).group_memory->file, proc.path() / "groups/box/inner/memory.max");
}

TEST(Machine, FindsItsControlGroupBelowTheRootOfTheMount) {
    const Folder proc;
    write_groups(proc, "/box");
    proc.write("groups/inner/memory.max", "1000000\n");
    ASSERT_TRUE(look_at_machine(proc.path()).group_memory);
    EXPECT_EQ(look_at_machine(proc.path()).group_memory->bytes, 1'000'000);
}

// ---- Limits

TEST(Limits, NeedNoCommandWhereAMillionFit) {
    for (const std::string backend : {"epoll", "io_uring"}) {
        const std::vector<MachineLimit> found = limits(large_machine(), settings_with(backend));
        EXPECT_GE(narrowest(found, MachineLimit::Of::kHeld)->connections, 1'000'000U);
        for (const MachineLimit& limit : found) {
            EXPECT_EQ(limit.command, "") << limit.name;
        }
    }
}

TEST(Limits, OfOpenFilesHoldForAllWorkersWithEpollAndForEachWithRings) {
    Machine machine = large_machine();
    machine.open_files = 20'000;
    machine.epoll.sockets = 19'936;
    machine.io_uring.sockets = 200'000;
    Settings settings = settings_with("epoll");
    settings.workers = 4;
    MachineLimit limit = find(limits(machine, settings), "open files");
    EXPECT_EQ(limit.value, "20000");
    EXPECT_EQ(limit.connections, 19'936U);
    EXPECT_EQ(limit.command, "ulimit -Hn 1048576");
    settings.backend = "io_uring";
    limit = find(limits(machine, settings), "open files");
    EXPECT_EQ(limit.connections, 800'000U);
    settings.workers = 5;
    EXPECT_EQ(find(limits(machine, settings), "open files").command, "");
}

TEST(Limits, OfOpenFilesCannotBeRaisedBeyondNrOpen) {
    Machine machine = large_machine();
    machine.nr_open = 4096;
    machine.epoll.sockets = 4032;
    EXPECT_EQ(find(limits(machine, settings_with("epoll")), "open files").command,
              "sysctl -w fs.nr_open=1048576 && ulimit -Hn 1048576");
}

TEST(Limits, SayHowToLiftThem) {
    Machine machine = large_machine();
    machine.file_max = 101'000;
    machine.first_port = 32'768;
    machine.last_port = 60'999;
    machine.somaxconn = 128;
    machine.syncookies = 0;
    machine.tcp_pages = 575'796;
    machine.conntrack_count = 1;
    machine.conntrack_max = 262'144;
    machine.group_memory = GroupMemory{430'000'000, "/sys/fs/cgroup/memory.max"};
    const std::vector<MachineLimit> found = limits(machine, settings_with("epoll"));
    const auto expect = [&found](const std::string& name, std::uint64_t connections, const std::string& command) {
        EXPECT_EQ(find(found, name).connections, connections) << name;
        EXPECT_EQ(find(found, name).command, command);
    };
    expect("fs.file-max", 100'000, "sysctl -w fs.file-max=2098152");
    expect("net.ipv4.ip_local_port_range", 28'232, "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"");
    expect("net.core.somaxconn", 128, "sysctl -w net.core.somaxconn=65535");
    expect("net.ipv4.tcp_max_syn_backlog", 2'048, "sysctl -w net.ipv4.tcp_syncookies=1");
    expect("net.ipv4.tcp_mem", 575'796, "sysctl -w net.ipv4.tcp_mem=\"524288 786432 1048576\"");
    expect("net.netfilter.nf_conntrack_max", 262'144, "sysctl -w net.netfilter.nf_conntrack_max=2097152");
    expect("memory.max", 100'000, "echo max > /sys/fs/cgroup/memory.max");
}

TEST(Limits, OfMemoryDependOnTheBackend) {
    Machine machine = large_machine();
    machine.memory = 4'300 * 4'950;
    EXPECT_EQ(narrowest(limits(machine, settings_with("epoll")), MachineLimit::Of::kHeld)->connections, 4'950U);
    EXPECT_EQ(narrowest(limits(machine, settings_with("io_uring")), MachineLimit::Of::kHeld)->connections, 4'300U);
    machine.group_memory = GroupMemory{*machine.memory * 2, "/sys/fs/cgroup/memory.max"};
    EXPECT_EQ(narrowest(limits(machine, settings_with("epoll")), MachineLimit::Of::kHeld)->name, "memory available");
}

TEST(Limits, OfStreamsAreThoseOfMemoryWhereHttp2IsSpoken) {
    Machine machine = large_machine();
    machine.epoll.sockets = 20'000;
    machine.memory = 900 * 1'000'000ULL;
    Settings settings = settings_with("epoll");
    EXPECT_EQ(narrowest(limits(machine, settings), MachineLimit::Of::kStreams), nullptr);
    settings.http2 = "trusted";
    const std::vector<MachineLimit> found = limits(machine, settings);
    EXPECT_EQ(narrowest(found, MachineLimit::Of::kStreams)->connections, 1'000'000U);
    EXPECT_EQ(narrowest(found, MachineLimit::Of::kHeld)->connections, 20'000U);
}

TEST(Limits, OfWhatArrivesOrIsBusyDoNotDecideHowManyAreHeld) {
    Machine machine = large_machine();
    machine.somaxconn = 1;
    machine.tcp_pages = 1;
    machine.first_port = machine.last_port;
    EXPECT_GE(narrowest(limits(machine, settings_with("epoll")), MachineLimit::Of::kHeld)->connections, 1'000'000U);
}

TEST(Limits, OfTheFirewallHoldOnlyWhileItTracks) {
    Machine machine = large_machine();
    machine.conntrack_max = 1;
    machine.conntrack_count = 0;
    EXPECT_GE(narrowest(limits(machine, settings_with("epoll")), MachineLimit::Of::kHeld)->connections, 1'000'000U);
    machine.conntrack_count = 1;
    EXPECT_EQ(narrowest(limits(machine, settings_with("epoll")), MachineLimit::Of::kHeld)->connections, 1U);
}

TEST(Limits, LeaveNoRoomWhereIoUringIsRefused) {
    Machine machine = large_machine();
    machine.io_uring = {"forbidden here", 0, false};
    machine.io_uring_disabled = 2;
    const std::vector<MachineLimit> found = limits(machine, settings_with("io_uring"));
    EXPECT_EQ(narrowest(found, MachineLimit::Of::kHeld)->connections, 0U);
    EXPECT_EQ(narrowest(found, MachineLimit::Of::kHeld)->meaning, "forbidden here");
    EXPECT_EQ(narrowest(found, MachineLimit::Of::kHeld)->command, "sysctl -w kernel.io_uring_disabled=0");
    EXPECT_EQ(backend_in_force(machine, settings_with("auto")), "epoll");
    EXPECT_EQ(backend_in_force(large_machine(), settings_with("auto")), "io_uring");
}

// ---- Checks

TEST(MachineChecks, FindNothingWrongWhereAllFits) { EXPECT_EQ(ids(check_machine(large_machine(), Settings{})), ""); }

TEST(MachineChecks, FindABacklogThatTheKernelCuts) {
    Machine machine = large_machine();
    Settings settings;
    machine.somaxconn = settings.backlog;
    EXPECT_EQ(ids(check_machine(machine, settings)), "");
    machine.somaxconn = settings.backlog - 1;
    EXPECT_EQ(ids(check_machine(machine, settings)), "machine.W001");
}

TEST(MachineChecks, FindMoreWorkersThanCores) {
    Settings settings;
    settings.workers = 8;
    EXPECT_EQ(ids(check_machine(large_machine(), settings)), "");
    settings.workers = 9;
    EXPECT_EQ(ids(check_machine(large_machine(), settings)), "machine.W002");
}

TEST(MachineChecks, FindThatEpollHasRoomForLessThanTenThousand) {
    Machine machine = large_machine();
    machine.epoll.sockets = 9'999;
    EXPECT_EQ(ids(check_machine(machine, settings_with("epoll"))), "machine.W003");
    EXPECT_EQ(ids(check_machine(machine, settings_with("io_uring"))), "");
    machine.epoll.sockets = 10'000;
    EXPECT_EQ(ids(check_machine(machine, settings_with("epoll"))), "");
}

TEST(MachineChecks, CompareTcpConnectionsWithDescriptorsAndStreamsWithMemory) {
    Machine machine = large_machine();
    machine.epoll.sockets = 20'000;
    Settings settings = settings_with("epoll");
    EXPECT_EQ(ids(check_machine(machine, settings)), "") << "the defaults are nobody's wish";
    settings.max_connections = 10'000'000;  // each of which is a TCP connection
    ASSERT_EQ(ids(check_machine(machine, settings)), "machine.W005");
    EXPECT_NE(check_machine(machine, settings)[0].text.find("open files"), std::string::npos);
    settings.http2 = "on";
    EXPECT_EQ(ids(check_machine(machine, settings)), "") << "64 GB are enough";
    settings.max_tcp_connections = 20'001;
    ASSERT_EQ(ids(check_machine(machine, settings)), "machine.W004");
    settings.max_tcp_connections = 20'000;
    EXPECT_EQ(ids(check_machine(machine, settings)), "");
    machine.memory = 900 * 9'999'999ULL;
    ASSERT_EQ(ids(check_machine(machine, settings)), "machine.W005");
    EXPECT_NE(check_machine(machine, settings)[0].text.find("memory"), std::string::npos);
}

TEST(MachineChecks, FindThatIoUringIsWantedAndRefused) {
    Machine machine = large_machine();
    machine.io_uring.refusal = "forbidden here";
    EXPECT_EQ(ids(check_machine(machine, settings_with("auto"))), "");
    const std::vector<CheckMessage> messages = check_machine(machine, settings_with("io_uring"));
    ASSERT_EQ(ids(messages), "machine.E001");
    EXPECT_EQ(messages[0].level, CheckMessage::Level::kError);
}

}  // namespace
}  // namespace c10k
