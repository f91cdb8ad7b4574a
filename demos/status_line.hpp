#pragma once

#include <chrono>
#include <string>

// How far long work has come: on a terminal one line that changes in place, elsewhere a line now and then.
class StatusLine {
public:
    StatusLine();
    ~StatusLine() { clear(); }
    StatusLine(const StatusLine&) = delete;
    StatusLine& operator=(const StatusLine&) = delete;

    // How often show() is worth calling.
    [[nodiscard]] std::chrono::milliseconds interval() const noexcept;
    void show(const std::string& text);
    // Prints a line that stays.
    void say(const std::string& line);
    void clear();

private:
    bool is_terminal_;
    bool is_shown_ = false;
    std::string last_;
};
