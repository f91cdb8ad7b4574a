#pragma once

#include <cstdio>
#include <cstdlib>

namespace c10k::fuzz {

// Ends the program unless `holds`, so that libFuzzer keeps the input that did it. `what` must be true of every input.
inline void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "Not so: %s.\n", what);
        std::abort();
    }
}

}  // namespace c10k::fuzz
