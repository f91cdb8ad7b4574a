#pragma once

// Includes everything that views answer with besides a Response.
#include "c10k/errors.hpp"
#include "c10k/http.hpp"
#include "c10k/static_files.hpp"
#include "c10k/templates.hpp"
