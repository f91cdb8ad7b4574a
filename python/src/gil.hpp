#pragma once

#include <Python.h>

namespace c10k::python {

// The interpreter's lock (the GIL) on the thread of the engine, which runs without it: the kernel's work and the
// protocol need no Python. The first view that goes on in a turn takes the lock, and the end of the views' part of the
// turn gives it back, before the loop sends and sleeps.
class Gil {
public:
    // A turn begins, or its views have run.
    void release() noexcept {
        if (thread_ == nullptr) {
            thread_ = PyEval_SaveThread();
        }
    }
    // Takes it, unless this thread has it. Returns whether it did not have it.
    bool acquire() noexcept {
        if (thread_ == nullptr) {
            return false;
        }
        PyEval_RestoreThread(thread_);
        thread_ = nullptr;
        return true;
    }

private:
    PyThreadState* thread_ = nullptr;  // of the engine's thread, while it runs without the lock
};

// Has the lock inside a block, wherever in a turn that is.
class GilScope {
public:
    explicit GilScope(Gil& gil) noexcept : gil_(gil), took_(gil.acquire()) {}
    ~GilScope() {
        if (took_) {
            gil_.release();
        }
    }
    GilScope(const GilScope&) = delete;
    GilScope& operator=(const GilScope&) = delete;

private:
    Gil& gil_;
    bool took_;
};

}  // namespace c10k::python
