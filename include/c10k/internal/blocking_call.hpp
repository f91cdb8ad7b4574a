#pragma once

#include <list>
#include <memory>

namespace c10k {

class BlockingThreads;
class Loop;

namespace internal {

// A function for a thread that may block.
class BlockingCall {
public:
    BlockingCall() = default;
    BlockingCall(const BlockingCall&) = delete;
    BlockingCall& operator=(const BlockingCall&) = delete;
    virtual ~BlockingCall() = default;

    // Calls the function. Thread: one of the pool's; in a simulation that of the loop.
    virtual void run() noexcept = 0;

private:
    friend class c10k::BlockingThreads;

    // The pool's, which locks them.
    std::list<std::shared_ptr<BlockingCall>>::iterator place_;
    const Loop* loop_ = nullptr;
    bool is_queued_ = false;
};

}  // namespace internal
}  // namespace c10k
