#include "head.hpp"

#include "engine.hpp"
#include "module.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <structmember.h>

namespace c10k::python {
namespace {

HeadObject& self_of(PyObject* self) noexcept { return *reinterpret_cast<HeadObject*>(self); }

// "127.0.0.1:80", "[::1]:80", "203.0.113.7" or "unix:/path", as ASGI has it.
Ref<> address(std::string_view text) {
    constexpr std::string_view kUnix = "unix:";
    if (text.starts_with(kUnix)) {
        const std::string_view path = text.substr(kUnix.size());
        return path.empty() ? none() : owned(Py_BuildValue("(NO)", to_text(path).release(), Py_None));
    }
    if (text.empty()) {
        return none();
    }
    std::string_view host = text;
    int port = 0;
    const std::size_t colon = text.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && (text.front() == '[' ? text[colon - 1] == ']' : text.find(':') == colon);
    if (has_port) {
        host = text.substr(0, colon);
        std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
    }
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    return owned(Py_BuildValue("(Ni)", to_text(host).release(), port));
}

// The same of the server, which is mostly that of the last request. Requires the GIL.
Ref<> server_address(const std::string& text) {
    static std::string last_text;
    static PyObject* last = none().release();
    if (text != last_text) {
        Py_SETREF(last, address(text).release());
        last_text = text;
    }
    return shared(last);
}

Ref<> header_list(const Headers& headers) {
    Ref<> list = owned(PyList_New(0));
    for (const Headers::Field& field : headers) {
        const Ref<> name = owned(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(field.name.size())));
        std::transform(field.name.begin(), field.name.end(), PyBytes_AS_STRING(name.get()),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const Ref<> value = to_bytes(field.value);
        const Ref<> pair = owned(PyTuple_Pack(2, name.get(), value.get()));
        check(PyList_Append(list.get(), pair.get()));
    }
    return list;
}

void deallocate(PyObject* object) {
    PyObject_ClearWeakRefs(object);
    clear_head(self_of(object));
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyObject* scheme_of(const HeadObject& self) noexcept { return self.is_secure ? name::https : name::http; }
PyObject* http_version_of(const HeadObject& self) noexcept {
    return self.minor_version == 0 ? name::http_1_0 : name::http_1_1;
}

PyObject* get_scheme(PyObject* object, void* /*unused*/) { return Py_NewRef(scheme_of(self_of(object))); }
PyObject* get_http_version(PyObject* object, void* /*unused*/) { return Py_NewRef(http_version_of(self_of(object))); }

// A copy of a dict and of the dicts in it.
Ref<> copy_with_dicts(PyObject* dict) {
    if (PyDict_Check(dict) == 0) {
        PyErr_Format(PyExc_TypeError, "a dict is required, not %.100s", Py_TYPE(dict)->tp_name);
        throw ErrorSet{};
    }
    Ref<> copy = owned(PyDict_Copy(dict));
    PyObject* key = nullptr;
    PyObject* value = nullptr;
    for (Py_ssize_t position = 0; PyDict_Next(copy.get(), &position, &key, &value) != 0;) {
        if (PyDict_CheckExact(value) != 0) {
            const Ref<> inner = owned(PyDict_Copy(value));
            check(PyDict_SetItem(copy.get(), key, inner.get()));
        }
    }
    return copy;
}

PyObject* scope(PyObject* object, PyObject* base) {
    return returns([&] {
        const HeadObject& self = self_of(object);
        Ref<> scope = copy_with_dicts(base);
        const auto set = [&scope](PyObject* key, PyObject* value) { check(PyDict_SetItem(scope.get(), key, value)); };
        if (Py_TYPE(object) == handshake_type) {
            set(name::scheme, self.is_secure ? name::wss : name::ws);
        } else {
            set(name::scheme, scheme_of(self));
            set(name::method, self.method);
        }
        set(name::http_version, http_version_of(self));
        set(name::path, self.path);
        set(name::raw_path, self.raw_path);
        set(name::query_string, self.query_string);
        set(name::headers, self.headers);
        set(name::client, self.client);
        set(name::server, self.server);
        return scope;
    });
}

PyMethodDef methods[] = {
    {"scope", scope, METH_O,
     "scope($self, base, /)\n--\n\nAn ASGI scope: a copy of `base`, and of the dicts in it, with what the head "
     "says.\n\n"
     "The scheme of a handshake is 'ws' or 'wss'. Raises TypeError if `base` is no dict.\n\n"
     "    scope = exchange.scope({'type': 'http', 'asgi': {'version': '3.0'}})"},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {"method", T_OBJECT, offsetof(HeadObject, method), READONLY, "The method, such as 'GET'."},
    {"path", T_OBJECT, offsetof(HeadObject, path), READONLY, "The path, percent-decoded; bad UTF-8 becomes U+FFFD."},
    {"raw_path", T_OBJECT, offsetof(HeadObject, raw_path), READONLY, "The path as it was sent, as bytes."},
    {"query_string", T_OBJECT, offsetof(HeadObject, query_string), READONLY, "The query as it was sent, as bytes."},
    {"headers", T_OBJECT, offsetof(HeadObject, headers), READONLY,
     "The fields in their order: pairs of bytes, names in lower case."},
    {"client", T_OBJECT, offsetof(HeadObject, client), READONLY, "The client's (host, port), or None."},
    {"server", T_OBJECT, offsetof(HeadObject, server), READONLY,
     "The (host, port) that the client connected to, (path, None) of a unix socket, or None."},
    {"gone", T_BOOL, offsetof(HeadObject, is_gone), READONLY, "Whether nobody waits for an answer any more."},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(HeadObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"scheme", get_scheme, nullptr, "'https' if it came by TLS, to us or to a trusted proxy; else 'http'.", nullptr},
    {"http_version", get_http_version, nullptr, "'1.0' or '1.1'.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The head of a request. Any thread may read it.")},
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, attributes},
    {0, nullptr},
};

PyType_Spec spec = {"_c10k.Head", sizeof(HeadObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

void fill_head(HeadObject& head, Engine& engine, const Request& request) {
    const std::string_view target = request.target;
    const std::size_t query = target.find('?');
    new (&head.engine) std::shared_ptr<Engine>{engine.shared_from_this()};
    head.is_secure = request.is_secure;
    head.minor_version = request.minor_version;
    head.method = to_text(request.method).release();
    head.path = to_text(request.path).release();
    head.raw_path = to_bytes(target.substr(0, query)).release();
    head.query_string =
        to_bytes(query == std::string_view::npos ? std::string_view{} : target.substr(query + 1)).release();
    head.headers = header_list(request.headers).release();
    head.client = address(request.peer).release();
    head.server = server_address(request.local).release();
}

void clear_head(HeadObject& head) noexcept {
    Py_CLEAR(head.method);
    Py_CLEAR(head.path);
    Py_CLEAR(head.raw_path);
    Py_CLEAR(head.query_string);
    Py_CLEAR(head.headers);
    Py_CLEAR(head.client);
    Py_CLEAR(head.server);
    head.engine.~shared_ptr();
}

namespace {

// Of the connection, not of the message (RFC 9110, 7.6.1): the engine writes its own.
bool is_hop_by_hop(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 6> kNames{"connection",        "keep-alive", "proxy-connection",
                                                     "transfer-encoding", "upgrade",    "te"};
    return std::any_of(kNames.begin(), kNames.end(), [name](std::string_view other) {
        return std::equal(name.begin(), name.end(), other.begin(), other.end(),
                          [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
    });
}

}  // namespace

Headers to_headers(PyObject* pairs) {
    Headers headers;
    if (pairs == nullptr || pairs == Py_None) {
        return headers;
    }
    const Ref<> iterator = owned(PyObject_GetIter(pairs));
    while (const Ref<> pair{PyIter_Next(iterator.get())}) {
        const Ref<> items = owned(PySequence_Fast(pair.get(), "a header is a pair of bytes"));
        if (PySequence_Fast_GET_SIZE(items.get()) != 2) {
            raise(PyExc_TypeError, "a header is a pair of bytes");
        }
        const std::string_view name = bytes_of(PySequence_Fast_GET_ITEM(items.get(), 0));
        const std::string_view value = bytes_of(PySequence_Fast_GET_ITEM(items.get(), 1));
        if (!is_hop_by_hop(name)) {
            headers.add(name, value);
        }
    }
    if (PyErr_Occurred() != nullptr) {
        throw ErrorSet{};
    }
    return headers;
}

Response to_response(int status, PyObject* headers, std::string_view body) {
    if (status < 200 || status > 599) {
        raise(PyExc_ValueError, "a response has a status from 200 to 599");
    }
    Response response;
    response.status = status;
    response.headers = to_headers(headers);
    response.body = body;
    if (status == 426) {
        response.headers.add("Upgrade", "websocket");
        response.headers.add("Connection", "Upgrade");
    }
    return response;
}

bool add_head_type(PyObject* module) {
    head_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return head_type != nullptr && PyModule_AddType(module, head_type) == 0;
}

}  // namespace c10k::python
