#include "status_line.hpp"

#include <cstdio>
#include <unistd.h>

StatusLine::StatusLine() : is_terminal_(::isatty(STDOUT_FILENO) == 1) {}

std::chrono::milliseconds StatusLine::interval() const noexcept {
    return std::chrono::milliseconds{is_terminal_ ? 200 : 5000};
}

void StatusLine::show(const std::string& text) {
    if (text == last_) {
        return;
    }
    last_ = text;
    if (is_terminal_) {
        std::printf("\r\x1b[K%s", text.c_str());
        is_shown_ = true;
    } else {
        std::puts(text.c_str());
    }
    std::fflush(stdout);
}

void StatusLine::say(const std::string& line) {
    clear();
    std::puts(line.c_str());
    std::fflush(stdout);
}

void StatusLine::clear() {
    if (is_shown_) {
        std::fputs("\r\x1b[K", stdout);
        std::fflush(stdout);
        is_shown_ = false;
        last_.clear();
    }
}
