# cmake -DFILES=a.css,b.js -DOUTPUT=assets.cpp -P assets.cmake: writes C++ with the texts of these files, for web/assets.hpp.

string(REPLACE "," ";" files "${FILES}")
set(rows "")
foreach(file IN LISTS files)
    cmake_path(GET file FILENAME name)
    file(READ "${file}" text)
    string(APPEND rows "    {\"${name}\", R\"asset(${text})asset\"},\n")
endforeach()
list(LENGTH files count)
file(WRITE "${OUTPUT}" "#include \"web/assets.hpp\"

#include <array>

namespace c10k {
namespace {

constexpr std::array<Asset, ${count}> kAssets{{
${rows}}};

}  // namespace

std::span<const Asset> all_assets() noexcept { return kAssets; }

}  // namespace c10k
")
