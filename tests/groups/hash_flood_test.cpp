#include "c10k/groups.hpp"
#include "c10k/values.hpp"
#include "loop/loop.hpp"
#include "server/admission.hpp"
#include "testkit/harness.hpp"
#include "testkit/memory_backend.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// Names that come from peers, chosen so that std::hash gives all of them the same value.
namespace c10k {
namespace {

constexpr std::size_t kNames = 20'000;
constexpr std::size_t kNameBytes = 21;  // with the "21:" that Groups puts in front, three blocks of the hash

// libstdc++'s std::hash of a text is MurmurHash64A with a seed that everybody knows. Each block of eight bytes is mixed
// by a function that has an inverse, so the last block can be chosen to give any hash.
class CollidingNames {
public:
    CollidingNames() {
        for (std::uint64_t i = 0; i < kNames; ++i) {
            std::string text = "21:" + std::string(kNameBytes, 'x');
            std::memcpy(text.data() + 8, &i, 8);
            const std::uint64_t so_far = add(add(kSeed ^ text.size() * kFactor, block(text, 0)), block(text, 8));
            const std::uint64_t last = unmix(kTarget ^ so_far);
            std::memcpy(text.data() + 16, &last, 8);
            names_.push_back(text.substr(3));
            prefixed_.push_back(std::move(text));
        }
    }

    // Those that collide behind the prefix.
    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
    // Those that collide by themselves.
    [[nodiscard]] const std::vector<std::string>& prefixed() const noexcept { return prefixed_; }

private:
    static constexpr std::uint64_t kSeed = 0xc70f6907;
    static constexpr std::uint64_t kFactor = 0xc6a4a7935bd1e995;
    static constexpr std::uint64_t kTarget = 0x0123456789abcdef;

    static std::uint64_t block(const std::string& text, std::size_t at) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, text.data() + at, 8);
        return bytes;
    }
    static std::uint64_t shift(std::uint64_t value) { return value ^ (value >> 47); }  // is its own inverse
    static std::uint64_t add(std::uint64_t so_far, std::uint64_t bytes) {
        return (so_far ^ shift(bytes * kFactor) * kFactor) * kFactor;
    }
    static std::uint64_t unmix(std::uint64_t mixed) {
        std::uint64_t inverse = kFactor;  // of the factor, by Newton's iteration
        for (int i = 0; i < 6; ++i) {
            inverse *= 2 - kFactor * inverse;
        }
        return shift(mixed * inverse) * inverse;
    }

    std::vector<std::string> names_;
    std::vector<std::string> prefixed_;
};

std::vector<std::string> ordinary_names() {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < kNames; ++i) {
        names.push_back("an ordinary name " + std::to_string(1'000'000 + i * 7919));
    }
    return names;
}

// The processor's time for it, in seconds; the least of three, since another program may get in its way.
double cost(const std::function<void()>& work) {
    double least = 1e9;
    for (int i = 0; i < 3; ++i) {
        const std::clock_t begin = std::clock();
        work();
        least = std::min(least, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    }
    return least;
}

// Names that collide may cost a few times what others cost. By std::hash it was 25 to 35 times.
void expect_no_flood(const std::function<void(const std::vector<std::string>&)>& work,
                     const std::vector<std::string>& colliding) {
    const double ordinary = cost([&] { work(ordinary_names()); });
    EXPECT_LT(cost([&] { work(colliding); }), 10 * ordinary);
}

class HashFlood : public testing::Test {
protected:
    const CollidingNames colliding_;
};

TEST_F(HashFlood, IsMadeOfNamesThatCollide) {
#ifdef __GLIBCXX__
    for (const std::string& name : colliding_.prefixed()) {
        ASSERT_EQ(std::hash<std::string>{}(name), std::hash<std::string>{}(colliding_.prefixed().front()));
    }
#endif
}

TEST_F(HashFlood, DoesNotSlowGroupsDown) {
    expect_no_flood(
        [](const std::vector<std::string>& names) {
            Groups groups;
            std::vector<Group> kept;
            for (const std::string& name : names) {
                kept.push_back(groups.named(name));
            }
        },
        colliding_.names());
}

TEST_F(HashFlood, DoesNotSlowAdmissionDown) {
    expect_no_flood(
        [](const std::vector<std::string>& addresses) {
            Admission admission;
            std::vector<Admission::AddressSlot> places;
            for (const std::string& address : addresses) {
                places.push_back(admission.enter(address, 1).value());
            }
            for (const Admission::AddressSlot place : places) {
                admission.leave(place);
            }
        },
        colliding_.prefixed());
}

TEST_F(HashFlood, DoesNotSlowValuesDown) {
    Loop loop{std::make_unique<MemoryBackend>()};
    expect_no_flood(
        [&loop](const std::vector<std::string>& names) {
            Values values;
            for (const std::string& name : names) {
                testkit::run_to_end(loop, values.set(name, "x"));
            }
        },
        colliding_.prefixed());
}

}  // namespace
}  // namespace c10k
