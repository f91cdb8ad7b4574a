#include "base/spelling.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <vector>

namespace c10k {
namespace {

std::string folded(std::string_view word) {
    std::string text = to_lower(word);
    std::replace(text.begin(), text.end(), '-', '_');
    return text;
}

// How many letters must be inserted, left out, replaced, or swapped with their neighbour (Damerau and Levenshtein).
std::size_t distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> before(right.size() + 1);  // the row before the last
    std::vector<std::size_t> last(right.size() + 1);
    std::vector<std::size_t> row(right.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t l = 1; l <= left.size(); ++l) {
        row[0] = l;
        for (std::size_t r = 1; r <= right.size(); ++r) {
            const std::size_t replaced = last[r - 1] + (left[l - 1] == right[r - 1] ? 0 : 1);
            row[r] = std::min({replaced, last[r] + 1, row[r - 1] + 1});
            if (l > 1 && r > 1 && left[l - 1] == right[r - 2] && left[l - 2] == right[r - 1]) {
                row[r] = std::min(row[r], before[r - 2] + 1);
            }
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last.back();
}

struct Invisible {
    std::string_view bytes;
    std::string_view name;
};

constexpr std::array kInvisible{
    Invisible{"\u00a0", "U+00A0"}, Invisible{"\u00ad", "U+00AD"}, Invisible{"\u1680", "U+1680"},
    Invisible{"\u2000", "U+2000"}, Invisible{"\u2001", "U+2001"}, Invisible{"\u2002", "U+2002"},
    Invisible{"\u2003", "U+2003"}, Invisible{"\u2004", "U+2004"}, Invisible{"\u2005", "U+2005"},
    Invisible{"\u2006", "U+2006"}, Invisible{"\u2007", "U+2007"}, Invisible{"\u2008", "U+2008"},
    Invisible{"\u2009", "U+2009"}, Invisible{"\u200a", "U+200A"}, Invisible{"\u200b", "U+200B"},
    Invisible{"\u200c", "U+200C"}, Invisible{"\u200d", "U+200D"}, Invisible{"\u202f", "U+202F"},
    Invisible{"\u205f", "U+205F"}, Invisible{"\u2060", "U+2060"}, Invisible{"\u3000", "U+3000"},
    Invisible{"\ufeff", "U+FEFF"},
};

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> words) {
    constexpr std::size_t kNear = 2;
    constexpr std::size_t kLettersForOneMore = 4;
    const std::string meant = folded(word);
    std::string_view closest;
    std::size_t least = std::max(kNear, meant.size() / kLettersForOneMore) + 1;
    for (const std::string_view candidate : words) {
        // If next to nothing of a word would be left, the user did not mean it.
        const std::size_t most = std::min(least, candidate.size() / 2 + 1);
        if (const std::size_t away = distance(meant, folded(candidate)); away < most) {
            closest = candidate;
            least = away;
        }
    }
    return closest;
}

std::string invisible_in(std::string_view text) {
    for (const Invisible& one : kInvisible) {
        if (text.find(one.bytes) != std::string_view::npos) {
            return std::string{one.name};
        }
    }
    return {};
}

}  // namespace c10k
