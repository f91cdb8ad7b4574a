#include "python.hpp"

#include "c10k/settings.hpp"
#include "c10k/websocket.hpp"
#include "module.hpp"

#include <new>
#include <stdexcept>
#include <system_error>

namespace c10k::python {
namespace {

void set_os_error(const std::system_error& failure) noexcept {
    PyObject* arguments = Py_BuildValue("(is)", failure.code().value(), failure.what());
    if (arguments != nullptr) {
        PyErr_SetObject(PyExc_OSError, arguments);
        Py_DECREF(arguments);
    }
}

}  // namespace

void set_error() noexcept {
    try {
        throw;
    } catch (const ErrorSet&) {  // it is set
    } catch (const ConnectionClosed&) {
        PyErr_SetString(connection_closed, "the WebSocket is closed");
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const SettingsError& failure) {
        PyErr_SetString(PyExc_ValueError, failure.what());
    } catch (const std::invalid_argument& failure) {
        PyErr_SetString(PyExc_ValueError, failure.what());
    } catch (const std::length_error& failure) {
        PyErr_SetString(PyExc_ValueError, failure.what());
    } catch (const std::system_error& failure) {
        set_os_error(failure);
    } catch (const std::exception& failure) {
        PyErr_SetString(PyExc_RuntimeError, failure.what());
    } catch (...) {
        PyErr_SetString(PyExc_SystemError, "an unknown C++ exception");
    }
}

Ref<> take_error() noexcept {
    PyObject* type = nullptr;
    PyObject* value = nullptr;
    PyObject* traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != nullptr && value != nullptr) {
        PyException_SetTraceback(value, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return Ref<>{value};
}

void report_unraisable(PyObject* where) noexcept { PyErr_WriteUnraisable(where); }

Ref<> to_text(std::string_view utf8) {
    return owned(PyUnicode_DecodeUTF8(utf8.data(), static_cast<Py_ssize_t>(utf8.size()), "replace"));
}

Ref<> to_bytes(std::string_view bytes) {
    return owned(PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
}

std::string_view utf8_of(PyObject* text) {
    Py_ssize_t size = 0;
    const char* data = PyUnicode_AsUTF8AndSize(text, &size);
    if (data == nullptr) {
        throw ErrorSet{};
    }
    return {data, static_cast<std::size_t>(size)};
}

std::string_view bytes_of(PyObject* bytes) {
    char* data = nullptr;
    Py_ssize_t size = 0;
    check(PyBytes_AsStringAndSize(bytes, &data, &size));
    return {data, static_cast<std::size_t>(size)};
}

}  // namespace c10k::python
