#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <concepts>
#include <exception>
#include <string_view>
#include <unistd.h>
#include <utility>

// The little that the extension needs above Python's C API: owned references, and errors as C++ exceptions.
namespace c10k::python {

// Calls what runs Python's code or takes its lock. When the interpreter has ended, Python ends the calling thread
// there, with pthread_exit(); but no frame of C++ may go while others refer to it. So the thread waits here for the end
// of the process, which is near.
template <typename Call>
auto outlive_interpreter(Call call) {
    try {
        return call();
    } catch (...) {
        if (std::current_exception() != nullptr) {  // it is an exception of C++, and not the end of the thread
            throw;
        }
        while (true) {
            ::pause();
        }
    }
}

// The interpreter has an exception set. Caught at the border, by returns().
struct ErrorSet {};

// Owns a reference. Requires the GIL wherever it changes, unless it is empty.
template <typename Object = PyObject>
class Ref {
public:
    Ref() noexcept = default;
    // Takes over a reference.
    explicit Ref(Object* object) noexcept : object_(object) {}
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref& operator=(Ref&& other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    Ref(const Ref& other) noexcept : object_(other.object_) { Py_XINCREF(as_python(object_)); }
    Ref& operator=(const Ref& other) noexcept {
        Ref copy{other};
        std::swap(object_, copy.object_);
        return *this;
    }
    ~Ref() { Py_XDECREF(as_python(object_)); }

    [[nodiscard]] Object* get() const noexcept { return object_; }
    [[nodiscard]] Object* release() noexcept { return std::exchange(object_, nullptr); }
    void reset() noexcept { *this = Ref{}; }
    Object* operator->() const noexcept { return object_; }
    Object& operator*() const noexcept { return *object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    static PyObject* as_python(Object* object) noexcept { return reinterpret_cast<PyObject*>(object); }

    Object* object_ = nullptr;
};

// Takes over what a function of the C API has returned. Throws ErrorSet if it is null.
inline Ref<> owned(PyObject* object) {
    if (object == nullptr) {
        throw ErrorSet{};
    }
    return Ref<>{object};
}

// A further reference to an object that somebody else owns.
template <typename Object>
Ref<Object> shared(Object* object) noexcept {
    Py_XINCREF(reinterpret_cast<PyObject*>(object));
    return Ref<Object>{object};
}

inline void check(int result) {
    if (result < 0) {
        throw ErrorSet{};
    }
}

[[noreturn]] inline void raise(PyObject* type, const char* text) {
    PyErr_SetString(type, text);
    throw ErrorSet{};
}

// Makes the C++ exception in flight the one of the interpreter.
void set_error() noexcept;

// Returns to the interpreter what `body` returns, or null with an exception set.
template <typename Body>
PyObject* returns(Body body) noexcept {
    try {
        if constexpr (std::same_as<decltype(body()), void>) {
            outlive_interpreter(body);
            return Py_NewRef(Py_None);
        } else if constexpr (std::same_as<decltype(body()), bool>) {
            return PyBool_FromLong(static_cast<long>(outlive_interpreter(body)));
        } else {
            return reinterpret_cast<PyObject*>(outlive_interpreter(body).release());
        }
    } catch (...) {
        set_error();
        return nullptr;
    }
}

// The exception that is set, as an object with its traceback. Clears it.
Ref<> take_error() noexcept;

// The same in a slot that has nobody to tell: the interpreter prints it with `where`.
void report_unraisable(PyObject* where) noexcept;

inline Ref<> none() noexcept { return Ref<>{Py_NewRef(Py_None)}; }
Ref<> to_text(std::string_view utf8);  // bad UTF-8 becomes U+FFFD
Ref<> to_bytes(std::string_view bytes);
// The characters of a str in UTF-8, or of a bytes object; they live as long as the object. Throws ErrorSet (TypeError).
std::string_view utf8_of(PyObject* text);
std::string_view bytes_of(PyObject* bytes);

// The C function as the C API wants to have it.
template <typename Function>
PyCFunction method(Function function) noexcept {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}
template <typename Function>
void* slot(Function function) noexcept {
    return reinterpret_cast<void*>(function);
}

}  // namespace c10k::python
