#pragma once

#include "loop/loop.hpp"
#include "wire/deflate_pool.hpp"

namespace c10k {

// What the connections of one loop compress with: Loop::local() has it.
class LoopDeflate final : public wire::DeflatePool {
public:
    explicit LoopDeflate(Loop& /*loop*/) {}
};

}  // namespace c10k
