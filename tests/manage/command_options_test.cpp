#include "c10k/command_options.hpp"

#include "c10k/manage.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <gtest/gtest.h>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace c10k {
namespace {

// The options of a command, and what they have stored.
class Painting {
public:
    Painting() {
        CommandOptions options{app_};
        options.text("-t,--title", title, "What it is called").not_empty();
        options.number("--layers", layers, {1, 64}, "How many layers it has");
        options.number("--seed", seed, "Makes it repeatable");
        options.decimal("--width", width, "In metres");
        options.flag("--framed", is_framed, "Whether it has a frame");
        options
            .value(
                "--colour",
                [this](const std::string& text) {
                    if (text != "red" && text != "blue") {
                        throw OptionError("'" + text + "' is no colour");
                    }
                    colour = text;
                },
                "Of what is painted")
            .type("red|blue")
            .default_text("none");
        options.text("place", place, "Where it hangs").required();
    }

    // The fault of the arguments, or "". CLI11 takes them in reverse order.
    std::string parse(const std::string& arguments) {
        std::vector<std::string> reversed;
        std::istringstream words{arguments};
        for (std::string word; words >> word;) {
            reversed.insert(reversed.begin(), word == "''" ? "" : word);
        }
        try {
            app_.parse(reversed);
            return "";
        } catch (const CLI::ParseError& error) {
            return error.what();
        }
    }
    [[nodiscard]] std::string help() const { return app_.help(); }

    std::string title = "Untitled";
    std::uint16_t layers = 3;
    std::optional<std::uint64_t> seed;
    double width = 0.5;
    bool is_framed = false;
    std::string colour;
    std::string place;

private:
    CLI::App app_;
};

TEST(CommandOptions, StoreWhatTheUserGives) {
    Painting painting;
    ASSERT_EQ(painting.parse("-t Dawn --layers 64 --seed 18446744073709551615 --width=1e2 --framed --colour red hall"),
              "");
    EXPECT_EQ(painting.title, "Dawn");
    EXPECT_EQ(painting.layers, 64U);
    EXPECT_EQ(painting.seed, UINT64_MAX);
    EXPECT_EQ(painting.width, 100.0);
    EXPECT_TRUE(painting.is_framed);
    EXPECT_EQ(painting.colour, "red");
    EXPECT_EQ(painting.place, "hall");
}

TEST(CommandOptions, LeaveTheDefaultsOfWhatIsNotGiven) {
    Painting painting;
    ASSERT_EQ(painting.parse("hall"), "");
    EXPECT_EQ(painting.title, "Untitled");
    EXPECT_EQ(painting.layers, 3U);
    EXPECT_EQ(painting.seed, std::nullopt);
    EXPECT_FALSE(painting.is_framed);
}

TEST(CommandOptions, RefuseATextByTheNameOfTheOptionAndWithWhatItTakes) {
    const auto problem = [](const std::string& arguments) { return Painting{}.parse(arguments + " hall"); };
    for (const std::string text : {"0", "65", "0x10", "1.0", "+1", "many", "18446744073709551616"}) {
        EXPECT_EQ(problem("--layers " + text), "--layers: '" + text + "' is not a whole number from 1 to 64");
    }
    EXPECT_EQ(problem("--seed 18446744073709551616"),
              "--seed: '18446744073709551616' is not a whole number from 0 to 18446744073709551615");
    EXPECT_EQ(problem("--width inf"), "--width: 'inf' is not a number");
    EXPECT_EQ(problem("--colour green"), "--colour: 'green' is no colour");
    EXPECT_EQ(problem("--title ''"), "--title: it is empty");
    EXPECT_NE(Painting{}.parse(""), "");  // place is required
}

TEST(CommandOptions, ReadNumbersInDecimalWhateverTheyBeginWith) {
    Painting painting;
    ASSERT_EQ(painting.parse("--layers 010 hall"), "");
    EXPECT_EQ(painting.layers, 10U);
}

TEST(CommandOptions, AreBoundedByWhatTheirVariableCanHold) {
    CLI::App app;
    CommandOptions options{app};
    std::uint8_t number = 0;
    options.number("--number", number, {1, 1000}, "A number");
    EXPECT_THROW(app.parse("--number 256"), CLI::ParseError);
    app.parse("--number 255");
    EXPECT_EQ(number, 255);
}

TEST(CommandOptions, ShowTheirTypesAndDefaultsInTheHelp) {
    const std::string help = Painting{}.help();
    for (const char* text : {"NUMBER=3", "NUMBER=0.5", "TEXT=Untitled", "red|blue=none", "-t,--title", "REQUIRED"}) {
        EXPECT_NE(help.find(text), std::string::npos) << text << " in\n" << help;
    }
}

// ---- A program that was written for CLI11

class Greet final : public Command {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "greet"; }
    [[nodiscard]] std::string_view help() const noexcept override { return "Greets."; }
    void add_options(CLI::App& options) override { options.add_option("--whom", whom, "To greet"); }
    Task<> run() override {
        greeted = whom;
        co_return;
    }

    std::string whom;
    std::string greeted;
};

TEST(Command, StillDeclaresItsOptionsWithCli11) {
    Greet greet;
    std::array<std::string, 4> arguments{"manage", "greet", "--whom", "world"};
    std::array<char*, 4> argv{};
    for (std::size_t i = 0; i < argv.size(); ++i) {
        argv[i] = arguments[i].data();
    }
    const SiteFactory no_site = [](Services&) { return BuiltSite{}; };
    EXPECT_EQ(manage(static_cast<int>(argv.size()), argv.data(), no_site, {&greet}), 0);
    EXPECT_EQ(greet.greeted, "world");
}

}  // namespace
}  // namespace c10k
