#include "usage/completion.hpp"
#include "usage/man_page.hpp"
#include "usage/mistake.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace c10k::usage {
namespace {

// A program with a command, whose texts have what is special in roff and in a shell.
class UsageTest : public testing::Test {
protected:
    UsageTest() {
        app_.require_subcommand(1);
        app_.set_version_flag("--version", "site 1");
        CLI::App* play = app_.add_subcommand("play", "Play; it's \"fun\"");
        play->add_option("-p,--pace", pace_, ".5 is a \\speed\n'1 too")->type_name("fast|slow");
        play->add_option("--file", file_)->type_name("FILE");
        play->add_option("--set", set_)->type_name("NAME=VALUE");
        play->add_flag("--quiet", quiet_, "Say nothing");
        play->footer(".SH no heading");
        app_.add_subcommand("stop", "Stop");
    }

    std::string explain(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "site");
        std::vector<char*> pointers;
        for (std::string& argument : arguments) {
            pointers.push_back(argument.data());
        }
        const int count = static_cast<int>(pointers.size());
        try {
            app_.parse(count, pointers.data());
        } catch (const CLI::ParseError& error) {
            const std::string text = explain_mistake(program_, error, count, pointers.data());
            return text.substr(0, text.find('\n'));
        }
        return "";
    }

    CLI::App app_{"Plays. And more.", "site"};
    std::string pace_;
    std::string file_;
    std::string set_;
    bool quiet_ = false;
    Program program_{app_, "site 1", {{"port", "8000", "Where"}, {"max_bytes", "1", "How many"}}, ""};
};

TEST_F(UsageTest, AMistakeIsToldWithWhatWasPerhapsMeant) {
    EXPECT_EQ(explain({"plya"}), "site: unknown command plya; did you mean play?");
    EXPECT_EQ(explain({"PLAY"}), "site: unknown command PLAY; did you mean play?");
    EXPECT_EQ(explain({"sto"}), "site: unknown command sto; did you mean stop?");
    EXPECT_EQ(explain({"version"}), "site: unknown command version; did you mean --version?");
    EXPECT_EQ(explain({"deploy"}), "site: unknown command deploy");
    EXPECT_EQ(explain({""}), "site: unknown command ");
    EXPECT_EQ(explain({"\x1b[31m"}), "site: unknown command \\x1b[31m");
    EXPECT_EQ(explain({}), "site: say a command");
    EXPECT_EQ(explain({"--verson"}), "site has no option --verson; did you mean --version?");
    EXPECT_EQ(explain({"play", "--pcae", "fast"}), "site play has no option --pcae; did you mean --pace?");
    EXPECT_EQ(explain({"play", "--qui"}), "site play has no option --qui; did you mean --quiet?");
    EXPECT_EQ(explain({"play", "-x"}), "site play has no option -x");
    EXPECT_EQ(explain({"play", "--port=1"}), "site play has no option --port; the setting port is --set port=VALUE");
    EXPECT_EQ(explain({"play", "--max-byte=1"}),
              "site play has no option --max-byte; the setting max_bytes is --set max_bytes=VALUE");
    EXPECT_EQ(explain({"stop", "--port"}), "site stop has no option --port");  // takes no settings
    EXPECT_EQ(explain({"stop", "--version"}), "site stop has no option --version; did you mean site --version?");
    EXPECT_EQ(explain({"stop", "now"}), "site stop takes no argument now");
}

TEST_F(UsageTest, AManPageShowsItsTextsAsTheyAre) {
    const std::string page = man_page(program_);
    EXPECT_TRUE(page.starts_with(".\\\" Made by: site man\n.TH SITE 1 \"\" \"site 1\"\n.SH NAME\nsite \\- Plays\n"))
        << page;
    EXPECT_NE(page.find("\n\\&.5 is a \\espeed\n\\&\\(aq1 too\n"), std::string::npos) << page;
    EXPECT_NE(page.find("\n\\&.SH no heading\n"), std::string::npos) << page;
    EXPECT_NE(page.find(".TP\n\\fB\\-p\\fR, \\fB\\-\\-pace\\fR \\fIfast|slow\\fR\n"), std::string::npos) << page;
    EXPECT_NE(page.find(".TP\n\\fB\\-\\-quiet\\fR\nSay nothing\n"), std::string::npos) << page;
    EXPECT_NE(page.find(".SH SETTINGS\n.TP\n\\fBport\\fR = \\fI8000\\fR\nWhere\n"), std::string::npos) << page;
}

TEST_F(UsageTest, ACompletionNamesCommandsOptionsValuesAndSettings) {
    const std::string script = bash_completion(program_, {"site", "other"});
    EXPECT_NE(script.find("'play stop --help --version'"), std::string::npos) << script;
    EXPECT_NE(script.find("'play -p' | 'play --pace') _c10k_site_words 'fast slow'; return ;;"), std::string::npos)
        << script;
    EXPECT_NE(script.find("'play --file') _c10k_site_files -f; return ;;"), std::string::npos) << script;
    EXPECT_NE(script.find("_c10k_site_names='port max_bytes'"), std::string::npos) << script;
    EXPECT_TRUE(script.ends_with("\ncomplete -F _c10k_site site other\n")) << script;
}

}  // namespace
}  // namespace c10k::usage
