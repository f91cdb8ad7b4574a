#include "web/throw_trace.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <execinfo.h>
#include <iterator>
#include <link.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

constexpr std::size_t kMaxFrames = 48;
constexpr std::size_t kMaxNotes = 16;

// The stack when one exception was thrown.
struct Note {
    const void* exception = nullptr;
    std::array<void*, kMaxFrames> addresses{};
    std::size_t begin = 0;  // of the thrower's frames; our own come before
    std::size_t end = 0;
};

std::atomic<bool> is_noting{false};
thread_local std::array<Note, kMaxNotes> notes;
thread_local std::size_t next_note = 0;

void note(const void* exception, const void* thrown_at) noexcept {
    Note& note = notes[next_note++ % kMaxNotes];
    note.exception = exception;
    note.end = static_cast<std::size_t>(::backtrace(note.addresses.data(), kMaxFrames));
    const auto frames = std::span{note.addresses}.first(note.end);
    const auto first = std::find(frames.begin(), frames.end(), thrown_at);
    note.begin = static_cast<std::size_t>(first - frames.begin());
}

// The thrown object itself.
const void* object_of(const std::exception_ptr& failure) noexcept {
    static_assert(sizeof failure == sizeof(void*), "libstdc++'s exception_ptr is a pointer to the object");
    return *reinterpret_cast<void* const*>(&failure);
}

// Where the file that `address` was loaded from begins in memory.
struct Loaded {
    std::string file;
    std::uintptr_t base = 0;
};

Loaded find_loaded(const void* address) {
    Dl_info info{};
    link_map* map = nullptr;
    if (::dladdr1(address, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0 || map == nullptr) {
        return {};
    }
    // The program itself has no name there; "self" would be the shell's that runs addr2line.
    return {map->l_name[0] != '\0' ? map->l_name : "/proc/" + std::to_string(::getpid()) + "/exe", map->l_addr};
}

std::string read_all(std::FILE* pipe) {
    std::string text;
    std::array<char, 4096> buffer;
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
        text.append(buffer.data(), size);
    }
    return text;
}

std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

// The output of addr2line for addresses in a file: two lines for each function there, and several functions if some are
// inlined.
std::vector<TraceFrame> ask_addr2line(const std::string& file, const std::string& addresses) {
    const std::string command = "addr2line -e '" + file + "' -C -f -i " + addresses + " 2>/dev/null";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{::popen(command.c_str(), "r"), &::pclose};
    const std::string answer = pipe ? read_all(pipe.get()) : "";
    std::vector<TraceFrame> frames;
    for (std::string_view rest = answer; !rest.empty();) {
        TraceFrame frame;
        frame.function = take_line(rest);
        const std::string_view place = take_line(rest);
        const std::size_t colon = place.rfind(':');
        if (colon != std::string_view::npos) {
            frame.line = static_cast<unsigned>(std::atoi(place.substr(colon + 1).data()));
        }
        if (frame.line != 0) {  // else there is no debug information: "manage.cpp:0", "??:0"
            frame.file = place.substr(0, colon);
        }
        frames.push_back(std::move(frame));
    }
    return frames;
}

// Addresses that lie next to each other in a trace, and in one file.
struct Stretch {
    std::string file;
    std::string addresses;
};

std::vector<Stretch> stretches_of(std::span<void* const> trace) {
    std::vector<Stretch> stretches;
    for (const void* address : trace) {
        const Loaded loaded = find_loaded(address);
        if (stretches.empty() || stretches.back().file != loaded.file) {
            stretches.push_back({loaded.file, {}});
        }
        // A return address lies behind the call that it is for.
        std::array<char, 32> text;
        const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(address) - 1 - loaded.base;
        std::snprintf(text.data(), text.size(), " %#zx", static_cast<std::size_t>(offset));
        stretches.back().addresses += text.data();
    }
    return stretches;
}

}  // namespace

void note_throws() noexcept { is_noting = true; }

std::vector<TraceFrame> trace_of(const std::exception_ptr& failure) {
    const auto note = std::find_if(notes.begin(), notes.end(), [object = object_of(failure)](const Note& candidate) {
        return candidate.exception == object;
    });
    std::vector<TraceFrame> frames;
    if (object_of(failure) == nullptr || note == notes.end()) {
        return frames;
    }
    for (const Stretch& stretch : stretches_of(std::span{note->addresses}.first(note->end).subspan(note->begin))) {
        std::vector<TraceFrame> more = ask_addr2line(stretch.file, stretch.addresses);
        frames.insert(frames.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    return frames;
}

std::vector<TraceFrame> functions_at(const std::string& file, const std::vector<std::uint64_t>& addresses) {
    std::string words;
    for (const std::uint64_t address : addresses) {
        std::array<char, 32> text;
        std::snprintf(text.data(), text.size(), " %#llx", static_cast<unsigned long long>(address));
        words += text.data();
    }
    return words.empty() ? std::vector<TraceFrame>{} : ask_addr2line(file, words);
}

}  // namespace c10k

// The compiler calls this for every `throw` (Itanium C++ ABI, 2.4.3). Ours stands before that of the C++ library.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" [[noreturn]] void __cxa_throw(void* exception, void* type, void (*destroy)(void*)) {
    if (c10k::is_noting) {
        c10k::note(exception, __builtin_return_address(0));
    }
    using Throw = void (*)(void*, void*, void (*)(void*));
    static const auto original = reinterpret_cast<Throw>(::dlsym(RTLD_NEXT, "__cxa_throw"));
    original(exception, type, destroy);
    __builtin_unreachable();
}
