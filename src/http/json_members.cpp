// All members of nlohmann::json, compiled once: see the end of the header.
#include "c10k/json.hpp"

template class nlohmann::basic_json<>;
