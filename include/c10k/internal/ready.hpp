#pragma once

namespace c10k {

class Loop;

namespace internal {

// A task's place in the queue of those that its loop resumes next. It is part of what a task has anyway, so that waking
// a task takes no memory, and cannot fail.
class Ready {
public:
    Ready(const Ready&) = delete;
    Ready& operator=(const Ready&) = delete;

protected:
    Ready() = default;
    ~Ready() = default;

    [[nodiscard]] bool is_queued() const noexcept { return queued_; }

    // In the queue these are the next place and the task's address. Outside of it the derived class may use them, and
    // both are null when the task is resumed.
    Ready* link_ = nullptr;
    void* who_ = nullptr;

private:
    friend class c10k::Loop;

    bool queued_ = false;
};

}  // namespace internal
}  // namespace c10k
