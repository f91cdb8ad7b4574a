#include "web/crash_note.hpp"

#include <csignal>
#include <execinfo.h>
#include <link.h>
#include <unistd.h>

namespace c10k {
namespace {

constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
// The handler itself, and the kernel's frame that calls it.
constexpr std::size_t kOwnFrames = 2;
constexpr std::size_t kStackBytes = 64 * 1024;

// Where the program's own code lies in memory.
struct Range {
    std::uintptr_t base = 0;
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
};

using Addresses = std::array<void*, CrashNote::kMaxFrames + kOwnFrames>;

int note_descriptor = -1;
Range program;
alignas(16) std::array<char, kStackBytes> signal_stack;

// The first that the dynamic linker names is the program itself.
int take_program(dl_phdr_info* info, std::size_t /*size*/, void* /*data*/) {
    program.base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr)& part = info->dlpi_phdr[i];
        if (part.p_type == PT_LOAD && (part.p_flags & PF_X) != 0) {
            program.begin = info->dlpi_addr + part.p_vaddr;
            program.end = program.begin + part.p_memsz;
        }
    }
    return 1;
}

// Runs on a stack of its own, in whatever state the program is: it calls nothing that takes memory. Other threads may
// be in here as well.
void leave_note(int number, siginfo_t* info, void* /*context*/) {
    Addresses addresses;
    CrashNote note;
    const int count = ::backtrace(addresses.data(), static_cast<int>(addresses.size()));
    note.signal = number;
    note.address = number == SIGSEGV || number == SIGBUS ? reinterpret_cast<std::uintptr_t>(info->si_addr) : 0;
    for (std::size_t i = kOwnFrames; i < static_cast<std::size_t>(count); ++i) {
        const auto address = reinterpret_cast<std::uintptr_t>(addresses[i]);
        // A return address lies behind the call that it is for; the first is the instruction itself.
        const std::uintptr_t call = i == kOwnFrames ? address : address - 1;
        const bool is_own = call >= program.begin && call < program.end;
        note.frames[note.count++] = is_own ? call - program.base : 0;
    }
    (void)!::pwrite(note_descriptor, &note, sizeof note, 0);
    ::raise(number);  // SA_RESETHAND: now it ends the process
}

}  // namespace

void note_crashes(int descriptor) noexcept {
    note_descriptor = descriptor;
    ::dl_iterate_phdr(&take_program, nullptr);
    Addresses addresses;
    (void)::backtrace(addresses.data(), 1);  // loads libgcc, which takes memory
    const stack_t stack{.ss_sp = signal_stack.data(), .ss_flags = 0, .ss_size = signal_stack.size()};
    ::sigaltstack(&stack, nullptr);
    for (const int number : kSignals) {
        struct sigaction before {};
        if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_DFL) {
            struct sigaction action {};
            action.sa_sigaction = &leave_note;
            action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
            ::sigaction(number, &action, nullptr);
        }
    }
}

std::optional<CrashNote> read_crash_note(int descriptor) {
    CrashNote note;
    const bool is_whole = ::pread(descriptor, &note, sizeof note, 0) == static_cast<ssize_t>(sizeof note);
    return is_whole && note.count <= note.frames.size() ? std::optional{note} : std::nullopt;
}

}  // namespace c10k
