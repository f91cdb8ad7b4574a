#pragma once

#include "python.hpp"

#include <memory>
#include <semaphore>
#include <utility>

namespace c10k::python {

inline void take_back(PyThreadState* thread) {
    outlive_interpreter([thread] { PyEval_RestoreThread(thread); });
}

// Waits without the lock, which the calling thread has.
inline void wait_without_gil(std::binary_semaphore& event) {
    PyThreadState* thread = PyEval_SaveThread();
    event.acquire();
    take_back(thread);
}

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
        take_back(std::exchange(thread_, nullptr));
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

// Drops a reference with the lock.
struct DropWithGil {
    Gil* gil = nullptr;
    template <typename Object>
    void operator()(Object* owned) const {
        const GilScope scope{*gil};
        Py_DECREF(reinterpret_cast<PyObject*>(owned));
    }
};

// Owns a reference from C++, where nobody knows who has the lock. A std::shared_ptr of it may be made.
template <typename Object>
using Kept = std::unique_ptr<Object, DropWithGil>;

}  // namespace c10k::python
