#include "base/address.hpp"

#include <gtest/gtest.h>

namespace c10k {
namespace {

std::string_view owner(const Address& address) { return address.owner(); }

bool same_owner(std::string_view one, std::string_view other) {
    const Address first = Address::resolve(one, 1);
    const Address second = Address::resolve(other, 2);
    return owner(first) == owner(second);
}

TEST(Address, TellsWhoseItIs) {
    EXPECT_TRUE(same_owner("192.0.2.1", "192.0.2.1"));
    EXPECT_FALSE(same_owner("192.0.2.1", "192.0.2.2"));
    EXPECT_TRUE(same_owner("2001:db8:1:2::1", "2001:db8:1:2:ffff::2"));  // one subscriber's network (RFC 6177)
    EXPECT_FALSE(same_owner("2001:db8:1:2::1", "2001:db8:1:3::1"));
    EXPECT_TRUE(same_owner("::ffff:192.0.2.1", "192.0.2.1"));  // RFC 4291, 2.5.5.2
    EXPECT_FALSE(same_owner("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
}

}  // namespace
}  // namespace c10k
