#include "c10k/settings.hpp"

#include "base/text.hpp"
#include "live/live_listener.hpp"
#include "loop/backends.hpp"
#include "web/crash_note.hpp"
#include "web/failure_explanation.hpp"
#include "web/folder.hpp"
#include "web/reload.hpp"
#include "web/setting_rows.hpp"
#include "web/setting_table.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <string_view>
#include <utility>

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

TEST(Settings, HaveAllARowInTheTableThatTheirDefaultsPass) {
    const auto all = SettingsReader{}.describe();
    EXPECT_EQ(all.size(), 74U);
    for (const SettingInForce& setting : all) {
        EXPECT_EQ(problem(setting.name, setting.default_value), "");
        EXPECT_EQ(setting.value, setting.default_value);
        EXPECT_EQ(setting.origin, "default");
        EXPECT_GT(setting.reason.size(), 20U) << setting.name;
    }
}

// A row has the name that sets a limit, and under which the metrics count it.
TEST(Settings, HaveOneRowForEachLimitThatIsCounted) {
    for (std::size_t limit = 0; limit < kLimitCount; ++limit) {
        const auto rows = setting_rows();
        EXPECT_EQ(std::count_if(rows.begin(), rows.end(),
                                [limit](const SettingRow& row) { return row.limit == static_cast<Limit>(limit); }),
                  1)
            << limit;
    }
}

TEST(Settings, NameEveryBackendInTheReasonOfTheOneThatChooses) {
    for (const NamedBackend& one : kBackends) {
        EXPECT_NE(SettingTable{{}}.find("backend")->reason.find(one.name), std::string_view::npos) << one.name;
    }
}

TEST(Settings, AreTheLimitsThatAServerReads) {
    SettingsReader reader;
    reader.apply_flag("max_head_bytes", "1KiB");
    reader.apply_flag("slow_time", "250ms");
    reader.apply_flag("backlog", "7");
    const ServerLimits& server = reader.settings();
    const HttpLimits& http = server;
    const WebSocketLimits& websocket = server;
    EXPECT_EQ(http.max_head_bytes, 1024U);
    EXPECT_EQ(websocket.slow_time, 250ms);
    EXPECT_EQ(server.backlog, 7U);
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
                                    "C10K_DEBUG: debug: 'perhaps' is neither true nor false: write true, yes, on or 1, "
                                    "or false, no, off or 0",
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

TEST(Settings, Row80RefuseNumbersThatAreNone) {
    for (const std::string_view text : {"",
                                        "-1",
                                        "+1",
                                        "1.5",
                                        "0x10",
                                        " 1",
                                        "65536",
                                        "99999999999999999999",
                                        "18446744073709551616",
                                        "1e3",
                                        "nan",
                                        "inf",
                                        "8 000",
                                        "8_000",
                                        "8,000",
                                        "８０００",
                                        "٨٠٠٠",
                                        "8000\u00a0",
                                        "\ufeff8000",
                                        "8000 # mine",
                                        "\"8000\""}) {
        EXPECT_NE(problem("port", text), "") << text;
    }
    EXPECT_EQ(problem("port", "65535"), "");
    EXPECT_EQ(problem("port", "08000"), "");
    EXPECT_EQ(problem("verbosity", "info"), "--verbosity: verbosity: 'info' is not a number from 0 to 2");
    EXPECT_EQ(problem("port", "8000\u00a0"),
              "--port: port: '8000\u00a0' is not a number from 0 to 65535; there is a character in it that cannot be "
              "seen, U+00A0");
    EXPECT_EQ(problem("port", "8000 # mine"),
              "--port: port: '8000 # mine' is not a number from 0 to 65535; a comment has a line of its own");
    EXPECT_EQ(problem("port", "\"8000\""), "--port: port: '\"8000\"' stands in quotes: write it without");
}

TEST(Settings, TakeSizesInBytesAndInTheirBinaryMultiples) {
    const std::array<std::pair<const char*, std::uint32_t>, 4> sizes{
        {{"65536", 65536}, {"64KiB", 65536}, {"2 MiB", 2 << 20}, {"1GiB", 1 << 30}}};
    for (const auto& [text, bytes] : sizes) {
        SettingsReader reader;
        reader.apply_flag("max_body_bytes", text);
        EXPECT_EQ(reader.settings().max_body_bytes, bytes) << text;
    }
    for (const std::string_view text :
         {"1k", "1K", "1M", "1MB", "1m", "1.5MiB", "-1KiB", "KiB", "2GiB", "4294967295GiB"}) {
        EXPECT_EQ(problem("max_body_bytes", text), "--max-body-bytes: max_body_bytes: '" + std::string{text} +
                                                       "' is not a number from 0 to 1073741824, as in 65536, 64KiB or "
                                                       "1MiB");
    }
    EXPECT_NE(problem("port", "1KiB"), "");
}

TEST(Settings, Row80RefuseTimesThatAreNone) {
    for (const std::string_view text : {"",
                                        "s",
                                        "-1s",
                                        "0",
                                        "0ms",
                                        "61m",
                                        "4294967295s",
                                        "2h",
                                        "1d",
                                        "1e3",
                                        "nan",
                                        "inf",
                                        "1,5s",
                                        "1.s",
                                        ".5s",
                                        "1..5s",
                                        "1.0001s",
                                        "0.0000000001s",
                                        "1hour",
                                        "1H",
                                        "10 S",
                                        "1h30m",
                                        "+1s",
                                        "99999999999999999999s",
                                        "１s"}) {
        EXPECT_NE(problem("idle_time", text), "") << text;
    }
    for (const std::string_view text : {"1ms", "10", "10 s", "60m", "1h", "1 h", "1.5s", "1.5", "0.25m", "0.5h"}) {
        EXPECT_EQ(problem("idle_time", text), "") << text;
    }
    EXPECT_EQ(problem("ping_interval", "1500ms"), "--ping-interval: ping_interval: '1500ms' is not in whole seconds");
    EXPECT_EQ(problem("idle_time", "1hour"),
              "--idle-time: idle_time: '1hour' is not a time from 1ms to 1h, as in 250ms, 10s, 1.5m or 1h");
}

TEST(Settings, TakeTimesInAllTheirUnits) {
    const std::array<std::pair<const char*, std::chrono::milliseconds>, 7> times{
        {{"250ms", 250ms}, {"90s", 90s}, {"1.5s", 1500ms}, {"2", 2s}, {"1m", 60s}, {"1 h", 3600s}, {"0.25h", 15min}}};
    for (const auto& [text, time] : times) {
        SettingsReader reader;
        reader.apply_flag("idle_time", text);
        EXPECT_EQ(reader.settings().idle_time, time) << text;
    }
}

TEST(Settings, Row80TellTheRightSpellingOfANameInAnotherCaseOrAlphabet) {
    for (const std::string_view name :
         {"PORT", "Port", "prot", "por", "ports", "p\u043ert", "\u0440ort", "port\u00a0"}) {
        SettingsReader reader;
        reader.apply(name, "8000", "here");
        ASSERT_EQ(problems(reader).size(), 1U) << name;
        EXPECT_TRUE(problems(reader)[0].starts_with("here: there is no setting '" + std::string{name} +
                                                    "'; did you mean 'port'?"))
            << problems(reader)[0];
    }
    SettingsReader reader;
    reader.apply("ping-interval", "8", "here");
    reader.apply("alowed_hostnames", "8", "here");
    reader.apply("max_conections_per_adress", "8", "here");
    EXPECT_EQ(
        problems(reader),
        (std::vector<std::string>{
            "here: there is no setting 'ping-interval'; did you mean 'ping_interval'?",
            "here: there is no setting 'alowed_hostnames'",
            "here: there is no setting 'max_conections_per_adress'; did you mean 'max_connections_per_address'?"}));
}

TEST(Settings, SayHowAnAssignmentIsWritten) {
    SettingsReader reader;
    reader.apply_assignment("port");
    reader.apply_assignment("prot 80");
    reader.apply_assignment("");
    reader.apply_assignment("=5");
    reader.apply_assignment("port=");
    EXPECT_EQ(
        problems(reader),
        (std::vector<std::string>{"--set: 'port' is not NAME=VALUE, as in --set port=8000",
                                  "--set: 'prot 80' is not NAME=VALUE, as in --set ping_interval=20s",
                                  "--set: '' is not NAME=VALUE, as in --set ping_interval=20s",
                                  "--set: there is no setting ''", "--set: port: '' is not a number from 0 to 65535"}));
    SettingsReader good;
    good.apply_assignment(" ping-interval = 7s ");
    EXPECT_EQ(good.settings().ping_interval, 7s);
    EXPECT_EQ(described(good, "ping_interval").origin, "--set");
}

TEST(Settings, Row80ReadFilesAsEditorsOfOtherSystemsWriteThem) {
    const Folder folder;
    for (const std::string_view text :
         {"\xef\xbb\xbfport = 9000\nbacklog = 7\n", "port = 9000\r\nbacklog = 7\r\n", "port = 9000\rbacklog = 7",
          "port = 9000\n\n\nbacklog = 7", "\tport\t=\t9000\t\n# \xff\nbacklog=7"}) {
        SettingsReader reader;
        reader.read_file(folder.write("c10k.conf", text));
        EXPECT_EQ(reader.settings().port, 9000U) << text;
        EXPECT_EQ(reader.settings().backlog, 7U) << text;
    }
    SettingsReader reader;
    const auto file = folder.write("c10k.conf", "\xef\xbb\xbf# the demo\r\n\r\nprot = 1\r\n");
    reader.read_file(file);
    EXPECT_EQ(problems(reader),
              std::vector<std::string>{file.string() + ":3: there is no setting 'prot'; did you mean 'port'?"});
}

TEST(Settings, Row80NameFilesThatAreNoText) {
    using namespace std::string_view_literals;
    const Folder folder;
    const auto problem_of = [&folder](std::string_view text) {
        SettingsReader reader;
        const auto file = folder.write("c10k.conf", text);
        reader.read_file(file);
        const auto all = problems(reader);
        return all.empty() ? "" : all[0].substr(file.string().size());
    };
    const std::string wide = ": is in UTF-16 or another encoding of wide characters: save it as UTF-8";
    EXPECT_EQ(problem_of("\xff\xfep\0o\0r\0t\0=\0001\0"sv), wide);
    EXPECT_EQ(problem_of("\xfe\xff\0p\0o\0r\0t\0=\0001"sv), wide);
    EXPECT_EQ(problem_of("p\0o\0r\0t\0=\0001\0"sv), wide);
    EXPECT_EQ(problem_of("host = 127.0.0.1\0.example\n"sv),
              std::string{":1: host: '127.0.0.1\0.example' has control characters"sv});
    EXPECT_EQ(problem_of(std::string((1 << 20) + 1, '#')), ": is larger than 1 MiB: no file of settings");
}

// ---- Settings that apps declare

enum class Colour { kRed, kBlue };

const AppSetting<Colour> kColour{.name = "chat_colour",
                                 .default_value = Colour::kRed,
                                 .default_in_debug = Colour::kBlue,
                                 .choices = {{"red", Colour::kRed}, {"blue", Colour::kBlue}},
                                 .reason = "What new rooms look like."};
const AppSetting<std::uint32_t> kHistory{.name = "chat_history",
                                         .unit = "bytes",
                                         .default_value = 100,
                                         .bounds = {10, 1'000'000},
                                         .reason = "What a newcomer gets to read."};
const AppSetting<std::chrono::milliseconds> kPatience{
    .name = "chat_patience", .default_value = 10s, .bounds = {1'000, 60'000}, .reason = "How long a room stays empty."};
const AppSetting<std::vector<std::string>> kRooms{
    .name = "chat_rooms", .default_value = {"lobby"}, .reason = "The rooms that are always there."};

TEST(SettingsOfApps, ComeFromFileEnvironmentAndOptionsLikeAnyOther) {
    const Folder folder;
    folder.write("c10k.conf", "chat_history = 64KiB\nchat_patience = 5s\nchat_rooms = tea, coffee\n");
    const std::array environment{"C10K_CHAT_PATIENCE=7s", static_cast<const char*>(nullptr)};
    SettingsReader reader{{}, {kColour, kHistory, kPatience, kRooms}};
    reader.read_file(folder.path() / "c10k.conf");
    reader.read_environment(environment.data());
    reader.apply_assignment("chat-colour=blue");
    const Settings& settings = reader.settings();
    EXPECT_EQ(settings.get(kHistory), 65'536U);
    EXPECT_EQ(settings.get(kPatience), 7s);
    EXPECT_EQ(settings.get(kRooms), (std::vector<std::string>{"tea", "coffee"}));
    EXPECT_EQ(settings.get(kColour), Colour::kBlue);
    EXPECT_EQ(described(reader, "chat_patience").origin, "C10K_CHAT_PATIENCE");
    EXPECT_EQ(described(reader, "chat_colour").origin, "--set");
    EXPECT_EQ(described(reader, "chat_history").value, "65536");
}

TEST(SettingsOfApps, HaveTheirDefaultsWhereNobodySetsThem) {
    const SettingsReader reader{{}, {kColour, kHistory, kPatience, kRooms}};
    EXPECT_EQ(reader.settings().get(kHistory), 100U);
    EXPECT_EQ(reader.settings().get(kRooms), std::vector<std::string>{"lobby"});
    EXPECT_EQ(Settings{}.get(kPatience), 10s);
    EXPECT_EQ(described(reader, "chat_patience").value, "10s");
    EXPECT_EQ(described(reader, "chat_patience").default_in_debug, "10s");
}

TEST(SettingsOfApps, MayHaveAnotherDefaultInDebug) {
    SettingsReader reader{{}, {kColour}};
    EXPECT_EQ(reader.settings().get(kColour), Colour::kRed);
    reader.apply_assignment("debug=true");
    EXPECT_EQ(reader.settings().get(kColour), Colour::kBlue);
    const SettingInForce setting = described(reader, "chat_colour");
    EXPECT_EQ(setting.default_value, "red");
    EXPECT_EQ(setting.default_in_debug, "blue");
    EXPECT_EQ(setting.value, "blue");
    EXPECT_EQ(setting.origin, "default");
    reader.apply_assignment("chat_colour=red");
    EXPECT_EQ(reader.settings().get(kColour), Colour::kRed);
}

TEST(SettingsOfApps, AreRefusedLikeAnyOther) {
    SettingsReader reader{{}, {kColour, kHistory, kPatience}};
    for (const char* assignment : {"chat_colour=green", "chat_history=5", "chat_patience=2m", "chat_histroy=20"}) {
        reader.apply_assignment(assignment);
    }
    EXPECT_EQ(problems(reader),
              (std::vector<std::string>{
                  "--set: chat_colour: 'green' is none of its values: write red or blue",
                  "--set: chat_history: '5' is not a number from 10 to 1000000, as in 65536, 64KiB or 1MiB",
                  "--set: chat_patience: '2m' is not a time from 1s to 60s, as in 250ms, 10s, 1.5m or 1h",
                  "--set: there is no setting 'chat_histroy'; did you mean 'chat_history'?"}));
    EXPECT_EQ(problem("chat_history", "20"), "--chat-history: there is no setting 'chat_history'");
}

TEST(SettingsOfApps, AreSetByTestsWithTheirTypes) {
    Settings settings;
    settings.set(kColour, Colour::kBlue);
    settings.set(kHistory, 7);
    EXPECT_EQ(settings.get(kColour), Colour::kBlue);
    EXPECT_EQ(settings.get(kHistory), 7U);
    EXPECT_THROW(settings.set(kColour, static_cast<Colour>(2)), std::logic_error);
}

TEST(SettingsOfApps, AreDeclaredOnceAndWhole) {
    const auto fault = [](const AppSettings& of_apps) -> std::string {
        try {
            const SettingsReader reader{{}, of_apps};
        } catch (const std::logic_error& error) {
            return error.what();
        }
        return "";
    };
    using Number = AppSetting<std::uint32_t>;
    const std::string_view reason = "It has one.";
    EXPECT_EQ(fault({kColour, kHistory, kPatience, kRooms}), "");
    EXPECT_EQ(fault({kColour, kColour}), "AppSetting 'chat_colour': there is another of that name");
    EXPECT_EQ(fault({Number{.name = "port", .reason = reason}}), "AppSetting 'port': there is another of that name");
    EXPECT_EQ(fault({Number{.name = "chat-history", .reason = reason}}),
              "AppSetting 'chat-history': a name has lower-case letters, digits and '_'");
    EXPECT_EQ(fault({Number{.name = "chat_history", .reason = ""}}), "AppSetting 'chat_history': it has no reason");
    EXPECT_EQ(fault({Number{.name = "chat_history", .bounds = {5, 9}, .reason = reason}}),
              "AppSetting 'chat_history': its default is not a number from 5 to 9");
    EXPECT_THROW(fault({AppSetting<Colour>{.name = "chat_colour", .reason = reason}}).clear(), std::logic_error);
}

TEST(SettingsOfApps, AreNotMistakenForWhatElseTheEnvironmentTellsAProgram) {
    for (const std::string_view variable :
         {Reload::kStatusVariable, Reload::kProgramVariable, kSourceVariable, kCrashVariable,
          LiveListener::kSocketVariable, LiveListener::kTokenVariable, "C10K_EDITOR", "C10K_STAND_IN"}) {
        const std::string name = to_lower(variable.substr(std::string_view{"C10K_"}.size()));
        const AppSetting<std::string> same{.name = name, .reason = "It has one."};
        EXPECT_THROW(SettingsReader({}, {same}), std::logic_error) << name;

        const std::string longer = name + 's';
        const AppSetting<std::string> near{.name = longer, .reason = "It has one."};
        SettingsReader reader{{}, {near}};
        const std::string assignment = std::string{variable} + "=3";
        const std::array environment{assignment.c_str(), static_cast<const char*>(nullptr)};
        reader.read_environment(environment.data());
        EXPECT_NO_THROW(static_cast<void>(reader.settings())) << name;
    }
}

}  // namespace
}  // namespace c10k
