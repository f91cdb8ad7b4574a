#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace c10k {

// Lines of a source file around the one at fault.
struct Excerpt {
    unsigned first = 0;  // the number of the first line
    std::vector<std::string> lines = {};
    unsigned line = 0;      // the number of the one at fault
    std::size_t begin = 0;  // the part of it that is at fault, in bytes
    std::size_t end = 0;
    std::string remark = {};  // about that part: "did you mean ‘message’?"
};

// What went wrong while a program was built or ran, as its developer has to know it. Of the texts only those that say
// so may have code in `backquotes`.
struct Explanation {
    struct Problem {
        std::string place = {};  // "src/chat.cpp:12:5", or ""
        std::string text = {};   // the message, and perhaps lines that belong to it
        std::string tag = {};    // "error 1 of 2"
        std::string file = {};   // the whole path, for an editor; "" if there is no such file
        Excerpt excerpt = {};
        std::string hint_title = {};
        std::string hint = {};  // with `code`
    };
    // A function on the stack, or several of a library.
    struct Frame {
        std::string function = {};
        std::string place = {};
        bool is_own = false;  // the developer's, not a library's
    };
    struct Facts {
        std::string title = {};
        std::vector<std::pair<std::string, std::string>> rows = {};
    };

    std::string heading = {};  // "" if nothing is wrong
    std::string lead = {};     // with `code`
    std::vector<Problem> problems = {};
    std::vector<Frame> frames = {};  // innermost first
    std::vector<Facts> facts = {};
    std::string output = {};  // of the compiler
    std::string foot = {};    // with `code`
};

void to_json(nlohmann::json& json, const Explanation& explanation);
void from_json(const nlohmann::json& json, Explanation& explanation);

}  // namespace c10k
