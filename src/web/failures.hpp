#pragma once

#include "web/explanation.hpp"

#include <cstdint>
#include <mutex>
#include <string>

namespace c10k {

// The last failure of a view, for open pages under development. Thread: any; the loops of a program share it.
class Failures {
public:
    struct Last {
        std::uint64_t number = 0;  // counted up with each failure; 0 if there was none
        std::string html;          // explanation_html()
    };

    void add(const Explanation& explanation);
    [[nodiscard]] Last last() const;
    [[nodiscard]] std::uint64_t count() const;

private:
    mutable std::mutex mutex_;
    Last last_;
};

}  // namespace c10k
