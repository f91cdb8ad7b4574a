#include "base/digest.hpp"
#include "c10k/load.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <zlib.h>

namespace c10k::load {
namespace {

// HdrHistogram's layout. The first 2048 buckets are 1 ns wide; then come halves of 1024 buckets, each half twice as
// wide as the one before.
constexpr int kHalfBits = 10;
constexpr std::size_t kHalf = std::size_t{1} << kHalfBits;
constexpr std::int64_t kMaxNs = Histogram::kMax.count();
constexpr std::int64_t kSignificantDigits = 3;

constexpr std::size_t index_of(std::int64_t ns) noexcept {
    const auto value = static_cast<std::uint64_t>(ns);
    const int shift = std::bit_width(value | (2 * kHalf - 1)) - (kHalfBits + 1);
    return static_cast<std::size_t>(shift) * kHalf + static_cast<std::size_t>(value >> shift);
}

// The largest value of a bucket.
constexpr std::int64_t last_of(std::size_t index) noexcept {
    const std::size_t shift = index < 2 * kHalf ? 0 : index / kHalf - 1;
    const std::size_t value = index - shift * kHalf;
    return static_cast<std::int64_t>(((value + 1) << shift) - 1);
}

constexpr std::size_t kBuckets = index_of(kMaxNs) / kHalf * kHalf + kHalf;

static_assert(index_of(2047) == 2047 && index_of(2048) == 2048 && index_of(2049) == 2048 && index_of(2050) == 2049);
static_assert(last_of(2047) == 2047 && last_of(2048) == 2049 && last_of(index_of(1'000'000)) >= 1'000'000);

// Numbers as HdrHistogram writes them.
class Encoder {
public:
    template <typename Number>
    void put(Number number) {
        for (int shift = 8 * (static_cast<int>(sizeof number) - 1); shift >= 0; shift -= 8) {
            bytes_ += static_cast<char>(static_cast<std::uint64_t>(number) >> shift);
        }
    }
    // ZigZag, then LEB128 of at most nine bytes, the last of which has eight bits.
    void put_packed(std::int64_t number) {
        auto rest = (static_cast<std::uint64_t>(number) << 1U) ^ static_cast<std::uint64_t>(number >> 63);
        for (int i = 0; i < 8 && rest >= 0x80; ++i, rest >>= 7U) {
            bytes_ += static_cast<char>(rest | 0x80);
        }
        bytes_ += static_cast<char>(rest);
    }
    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

private:
    std::string bytes_;
};

std::string zipped(const std::string& bytes) {
    uLongf size = compressBound(bytes.size());
    std::string result(size, '\0');
    if (compress(reinterpret_cast<Bytef*>(result.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                 bytes.size()) != Z_OK) {
        throw std::bad_alloc();
    }
    result.resize(size);
    return result;
}

}  // namespace

void Histogram::record(Duration value) {
    if (counts_.empty()) {
        counts_.resize(kBuckets);
    }
    const std::int64_t ns = std::clamp<std::int64_t>(value.count(), 0, kMaxNs);
    ++counts_[index_of(ns)];
    min_ = empty() ? ns : std::min(min_, ns);
    max_ = std::max(max_, ns);
    sum_ += static_cast<double>(ns);
    ++count_;
}

void Histogram::merge(const Histogram& other) {
    if (other.empty()) {
        return;
    }
    counts_.resize(kBuckets);
    for (std::size_t i = index_of(other.min_); i <= index_of(other.max_); ++i) {
        counts_[i] += other.counts_[i];
    }
    min_ = empty() ? other.min_ : std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    sum_ += other.sum_;
    count_ += other.count_;
}

void Histogram::clear() noexcept {
    if (!empty()) {
        const auto begin = counts_.begin();
        std::fill(begin + static_cast<std::ptrdiff_t>(index_of(min_)),
                  begin + static_cast<std::ptrdiff_t>(index_of(max_)) + 1, 0);
    }
    count_ = 0;
    min_ = max_ = 0;
    sum_ = 0;
}

Duration Histogram::mean() const noexcept {
    return Duration{empty() ? 0 : static_cast<std::int64_t>(sum_ / static_cast<double>(count_))};
}

Duration Histogram::percentile(double percent) const noexcept {
    if (empty()) {
        return Duration{0};
    }
    const double share = std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(count_);
    // A share such as 99.9 % of 1000 is not exact: a hair above 999 is 999.
    const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share - 1e-6)));
    std::uint64_t seen = 0;
    for (std::size_t i = index_of(min_); i <= index_of(max_); ++i) {
        seen += counts_[i];
        if (seen >= wanted) {
            return Duration{std::min(last_of(i), max_)};
        }
    }
    return Duration{max_};
}

std::string Histogram::encoded() const {
    Encoder counts;
    const std::size_t end = empty() ? 0 : index_of(max_) + 1;
    for (std::size_t i = 0; i < end;) {
        std::size_t zeros = 0;
        while (i + zeros < end && counts_[i + zeros] == 0) {
            ++zeros;
        }
        counts.put_packed(zeros > 0 ? -static_cast<std::int64_t>(zeros) : static_cast<std::int64_t>(counts_[i]));
        i += std::max<std::size_t>(zeros, 1);
    }
    constexpr std::uint32_t kCookie = 0x1c849313;
    constexpr std::uint32_t kCompressedCookie = 0x1c849314;
    Encoder plain;
    plain.put(kCookie);
    plain.put(static_cast<std::uint32_t>(counts.bytes().size()));
    plain.put(std::uint32_t{0});  // the offset of the first bucket
    plain.put(static_cast<std::uint32_t>(kSignificantDigits));
    plain.put(std::int64_t{1});
    plain.put(kMaxNs);
    plain.put(std::bit_cast<std::uint64_t>(1.0));  // the ratio of values to integers
    const std::string compressed = zipped(plain.bytes() + counts.bytes());
    Encoder whole;
    whole.put(kCompressedCookie);
    whole.put(static_cast<std::uint32_t>(compressed.size()));
    return base64_encode(whole.bytes() + compressed);
}

}  // namespace c10k::load
