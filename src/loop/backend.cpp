#include "loop/backend.hpp"

#include <stdexcept>

namespace c10k {

void Backend::watch(int /*descriptor*/, internal::Readiness /*wanted*/, internal::DescriptorEvents& /*events*/) {
    throw std::logic_error("readable(), writable(): a network in memory has no descriptors");
}

}  // namespace c10k
