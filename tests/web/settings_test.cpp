#include "c10k/settings.hpp"
#include "web/folder.hpp"
#include "web/server_limits.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace c10k {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> problems(const SettingsReader& reader) {
    try {
        static_cast<void>(reader.settings());
    } catch (const SettingsError& error) {
        return error.problems();
    }
    return {};
}

std::string problem(std::string_view name, std::string_view text) {
    SettingsReader reader;
    reader.apply_flag(name, text);
    const auto all = problems(reader);
    return all.empty() ? "" : all[0];
}

SettingInForce described(const SettingsReader& reader, std::string_view name) {
    const auto all = reader.describe();
    return *std::find_if(all.begin(), all.end(), [name](const SettingInForce& one) { return one.name == name; });
}

TEST(Settings, HaveDefaultsThatAreTheLimitsOwn) {
    const ServerLimits ours = server_limits(Settings{});
    const ServerLimits theirs;
    EXPECT_EQ(ours.http.first_line, theirs.http.first_line);
    EXPECT_EQ(ours.http.head, theirs.http.head);
    EXPECT_EQ(ours.http.fields, theirs.http.fields);
    EXPECT_EQ(ours.http.body, theirs.http.body);
    EXPECT_EQ(ours.backlog, theirs.backlog);
    EXPECT_EQ(ours.head_time, theirs.head_time);
    EXPECT_EQ(ours.body_time, theirs.body_time);
    EXPECT_EQ(ours.idle_time, theirs.idle_time);
    EXPECT_EQ(ours.write_time, theirs.write_time);
    EXPECT_EQ(ours.handshake_time, theirs.handshake_time);
    EXPECT_EQ(ours.shutdown_time, theirs.shutdown_time);
    EXPECT_EQ(ours.max_connections, theirs.max_connections);
    EXPECT_EQ(ours.max_connections_per_address, theirs.max_connections_per_address);
    EXPECT_EQ(ours.max_newcomers, theirs.max_newcomers);
    EXPECT_EQ(ours.kernel_unsent_bytes, theirs.kernel_unsent_bytes);
    EXPECT_EQ(ours.mailbox_bytes, theirs.mailbox_bytes);
    EXPECT_EQ(ours.proxy_protocol, theirs.proxy_protocol);
    EXPECT_EQ(ours.min_body_rate, theirs.min_body_rate);
    EXPECT_EQ(ours.body_grace, theirs.body_grace);
    EXPECT_EQ(ours.websocket.protocol.max_message_bytes, theirs.websocket.protocol.max_message_bytes);
    EXPECT_EQ(ours.websocket.protocol.max_fragment_bytes, theirs.websocket.protocol.max_fragment_bytes);
    EXPECT_EQ(ours.websocket.protocol.max_fragments, theirs.websocket.protocol.max_fragments);
    EXPECT_EQ(ours.websocket.inbox_bytes, theirs.websocket.inbox_bytes);
    EXPECT_EQ(ours.websocket.outbox_bytes, theirs.websocket.outbox_bytes);
    EXPECT_EQ(ours.websocket.slow_bytes, theirs.websocket.slow_bytes);
    EXPECT_EQ(ours.websocket.slow_time, theirs.websocket.slow_time);
    EXPECT_EQ(ours.websocket.slow_limit_bytes, theirs.websocket.slow_limit_bytes);
    EXPECT_EQ(ours.websocket.ping_interval, theirs.websocket.ping_interval);
    EXPECT_EQ(ours.websocket.ping_timeout, theirs.websocket.ping_timeout);
    EXPECT_EQ(ours.websocket.close_time, theirs.websocket.close_time);
}

TEST(Settings, HaveAllARowInTheTableThatTheirDefaultsPass) {
    const auto all = SettingsReader{}.describe();
    EXPECT_EQ(all.size(), 53U);
    for (const SettingInForce& setting : all) {
        EXPECT_EQ(problem(setting.name, setting.default_value), "");
        EXPECT_EQ(setting.value, setting.default_value);
        EXPECT_EQ(setting.origin, "default");
        EXPECT_GT(setting.reason.size(), 20U) << setting.name;
    }
}

TEST(Settings, AreReadFromAFile) {
    const Folder folder;
    const auto file = folder.write("c10k.conf",
                                   "# the demo\n"
                                   "\n"
                                   "port = 9000\r\n"
                                   "  debug=yes  \n"
                                   "allowed_hosts = example.com, .example.org\n"
                                   "slow_time = 250ms\n"
                                   "host =\n");
    SettingsReader reader;
    reader.read_file(file);
    const Settings& settings = reader.settings();
    EXPECT_EQ(settings.port, 9000U);
    EXPECT_TRUE(settings.debug);
    EXPECT_EQ(settings.allowed_hosts, (std::vector<std::string>{"example.com", ".example.org"}));
    EXPECT_EQ(settings.slow_time, 250ms);
    EXPECT_EQ(settings.host, "");
    EXPECT_EQ(described(reader, "port").origin, file.string() + ":3");
}

TEST(Settings, AreReadFromTheEnvironment) {
    const std::array<const char*, 4> environment{"HOME=/root", "C10K_PORT=9001",
                                                 "C10K_ALLOWED_ORIGINS=https://a.example", nullptr};
    SettingsReader reader;
    reader.read_environment(environment.data());
    EXPECT_EQ(reader.settings().port, 9001U);
    EXPECT_EQ(reader.settings().allowed_origins, std::vector<std::string>{"https://a.example"});
    EXPECT_EQ(described(reader, "port").origin, "C10K_PORT");
}

TEST(Settings, AreReadFromFlags) {
    SettingsReader reader;
    reader.apply_flag("max-message-bytes", "512");
    reader.apply_flag("ping_interval", "1m");
    EXPECT_EQ(reader.settings().max_message_bytes, 512U);
    EXPECT_EQ(reader.settings().ping_interval, 60s);
    EXPECT_EQ(described(reader, "max_message_bytes").origin, "--max-message-bytes");
}

TEST(Settings, GoFromDefaultsOverFileAndEnvironmentToFlags) {
    const Folder folder;
    Settings defaults;
    defaults.port = 1;
    defaults.verbosity = 2;
    const std::array<const char*, 4> environment{"C10K_PORT=3", "C10K_BACKLOG=3", "C10K_MAX_BODY_BYTES=3", nullptr};
    SettingsReader reader{defaults};
    reader.read_file(folder.write("c10k.conf", "port = 2\nbacklog = 2\nmax_header_fields = 2\n"));
    reader.read_environment(environment.data());
    reader.apply_flag("port", "4");
    const Settings& settings = reader.settings();
    EXPECT_EQ(settings.verbosity, 2U);
    EXPECT_EQ(settings.max_header_fields, 2U);
    EXPECT_EQ(settings.backlog, 3U);
    EXPECT_EQ(settings.max_body_bytes, 3U);
    EXPECT_EQ(settings.port, 4U);
    EXPECT_EQ(described(reader, "port").default_value, "1");
    EXPECT_EQ(described(reader, "port").value, "4");
}

TEST(Settings, TellAllThatIsWrongAtOnceAndWhereItIs) {
    const Folder folder;
    const auto file = folder.write("c10k.conf", "port = abc\nnonsense\nprot = 1\n");
    const std::array<const char*, 2> environment{"C10K_DEBUG=perhaps", nullptr};
    SettingsReader reader;
    reader.read_file(file);
    reader.read_environment(environment.data());
    reader.apply_flag("verbosity", "9");
    reader.apply_flag("quite-unknown", "1");
    EXPECT_EQ(problems(reader), (std::vector<std::string>{
                                    file.string() + ":1: port: 'abc' is not a number from 0 to 65535",
                                    file.string() + ":2: a line is 'name = value'",
                                    file.string() + ":3: there is no setting 'prot'; did you mean 'port'?",
                                    "C10K_DEBUG: debug: 'perhaps' is neither true nor false",
                                    "--verbosity: verbosity: '9' is not a number from 0 to 2",
                                    "--quite-unknown: there is no setting 'quite_unknown'",
                                }));
}

TEST(Settings, SayThatAFileCannotBeRead) {
    const Folder folder;
    SettingsReader reader;
    reader.read_file(folder.path() / "missing.conf");
    reader.read_file(folder.path());
    EXPECT_EQ(problems(reader),
              (std::vector<std::string>{(folder.path() / "missing.conf").string() + ": cannot be read",
                                        folder.path().string() + ": cannot be read"}));
}

TEST(Settings, LeaveOtherProgramsVariablesAloneButNotMisspeltOnes) {
    const std::array<const char*, 4> environment{"C10K_MANAGE=/usr/bin/manage", "C10K_SOURCE=/src", "C10K_PROT=1",
                                                 nullptr};
    SettingsReader reader;
    reader.read_environment(environment.data());
    EXPECT_EQ(problems(reader),
              std::vector<std::string>{"C10K_PROT: there is no setting 'prot'; did you mean 'port'?"});
}

TEST(Settings, RefuseNumbersThatAreNone) {
    for (const std::string_view text : {"", "-1", "+1", "1.5", "0x10", " 1", "65536", "99999999999999999999"}) {
        EXPECT_NE(problem("port", text), "") << text;
    }
    EXPECT_EQ(problem("port", "65535"), "");
}

TEST(Settings, RefuseTimesThatAreNone) {
    for (const std::string_view text : {"", "s", "-1s", "1h", "1.5s", "0", "0ms", "61m", "4294967295s"}) {
        EXPECT_NE(problem("idle_time", text), "") << text;
    }
    for (const std::string_view text : {"1ms", "10", "10 s", "60m"}) {
        EXPECT_EQ(problem("idle_time", text), "") << text;
    }
    EXPECT_EQ(problem("ping_interval", "1500ms"), "--ping-interval: ping_interval: '1500ms' is not in whole seconds");
}

}  // namespace
}  // namespace c10k
