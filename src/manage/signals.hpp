#pragma once

#include <csignal>
#include <initializer_list>
#include <vector>

namespace c10k {

// Signals that are waited for like any other news, by a descriptor, instead of interrupting. Programs that are started
// meanwhile do not inherit that. Thread: the only one of this process.
class Signals {
public:
    explicit Signals(std::initializer_list<int> numbers);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    // It can be read when one of them has come.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    // Takes the signals that have come.
    [[nodiscard]] std::vector<int> take() const;

private:
    sigset_t former_;
    int descriptor_;
};

}  // namespace c10k
