#include "base/address.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace c10k {
namespace {

std::string_view owner(const Address& address) { return address.subnet_key(); }

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

TEST(Address, OfANumberThereIsOne) {
    for (const std::string_view number : {"192.0.2.1", "2001:db8::1", "::1", "127.0.0.1"}) {
        EXPECT_EQ(Address::resolve_all(number, 80), std::vector<Address>{Address::resolve_number(number, 80)})
            << number;
    }
}

TEST(Address, OfANameThereAreAllAndEachOnce) {
    const std::vector<Address> all = Address::resolve_all("localhost", 80);
    EXPECT_EQ(std::count(all.begin(), all.end(), Address::resolve_number("127.0.0.1", 80)), 1);
    for (const Address& one : all) {
        EXPECT_EQ(std::count(all.begin(), all.end(), one), 1) << one.text();
    }
}

TEST(Address, TellsANumberFromAName) {
    EXPECT_THROW((void)Address::resolve_number("localhost", 80), std::runtime_error);
    EXPECT_THROW((void)Address::resolve_number("", 80), std::runtime_error);
}

TEST(Address, KnowsTheLoopbackAddressesOfBothFamilies) {
    EXPECT_TRUE(Address::resolve("127.255.0.1", 1).is_loopback());
    EXPECT_TRUE(Address::resolve("::1", 1).is_loopback());
    EXPECT_FALSE(Address::resolve("128.0.0.1", 1).is_loopback());
    EXPECT_FALSE(Address::resolve("::2", 1).is_loopback());
}

TEST(Address, MayBeAUnixSocket) {
    const Address file = Address::unix_socket("/run/site.sock");
    EXPECT_EQ(file.text(), "unix:/run/site.sock");
    EXPECT_EQ(file.unix_path(), "/run/site.sock");
    EXPECT_EQ(file.port(), 0);
    const Address abstract = Address::unix_socket("@site");
    EXPECT_EQ(abstract.text(), "unix:@site");
    EXPECT_EQ(abstract.unix_path(), "");
    const sockaddr nameless{.sa_family = AF_UNIX, .sa_data = {}};
    EXPECT_EQ((Address{&nameless, sizeof nameless.sa_family}.text()), "unix:");  // of a client (unix(7))
    EXPECT_EQ(owner(file), owner(abstract));
    EXPECT_EQ(Address::unix_socket(std::string(107, 'a')).text(), "unix:" + std::string(107, 'a'));
    EXPECT_THROW(Address::unix_socket(std::string(108, 'a')), std::runtime_error);
}

}  // namespace
}  // namespace c10k
