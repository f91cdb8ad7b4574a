#include "c10k/internal/require.hpp"

#include <stdexcept>

namespace c10k::internal {

void throw_mistake(const char* sentence) { throw std::logic_error(sentence); }

}  // namespace c10k::internal
