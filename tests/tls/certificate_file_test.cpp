#include "tls/certificate_file.hpp"

#include "tls/certificates.hpp"

#include <gtest/gtest.h>
#include <string>

namespace c10k {
namespace {

using namespace std::chrono_literals;

class CertificateFile : public testing::Test {
protected:
    // The texts of all that is wrong, errors with a "!".
    static std::string problems(const CertificateFiles& pair) {
        std::string texts;
        for (const CertificateProblem& problem : examine(pair)) {
            EXPECT_NE(problem.hint, "");
            texts += (problem.level == CertificateProblem::Level::kError ? "! " : "? ") + problem.text + '\n';
        }
        return texts;
    }
    void expect(const CertificateFiles& pair, const std::string& beginning, const std::string& part) {
        const std::string found = problems(pair);
        EXPECT_TRUE(found.starts_with(beginning)) << found;
        EXPECT_NE(found.find(part), std::string::npos) << found;
    }

    CertificateFolder folder;
    CertificateFiles good = folder.make({.names = {"good.test"}});
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now();
};

TEST_F(CertificateFile, IsGood) { EXPECT_EQ(problems(good), ""); }

TEST_F(CertificateFile, IsMissing) {
    expect({"/nowhere.pem", good.key}, "!", "cannot read /nowhere.pem: No such file");
    expect({good.certificate, "/nowhere.pem"}, "!", "cannot read /nowhere.pem: No such file");
}

TEST_F(CertificateFile, HoldsSomethingElse) {
    expect({good.key, good.key}, "!", "no certificate in");
    expect({good.certificate, good.certificate}, "!", "no private key in");
    expect({folder.write("empty", ""), good.key}, "!", "no certificate in");
    expect({good.certificate, "/tmp"}, "!", "no private key in /tmp");
}

TEST_F(CertificateFile, HasAnotherKey) {
    expect({good.certificate, folder.make({.names = {"other.test"}}).key}, "!", "is not that of the certificate");
}

TEST_F(CertificateFile, HasAKeyWithAPassword) {
    const std::string key = folder.write("encrypted.pem",
                                         "-----BEGIN EC PRIVATE KEY-----\n"
                                         "Proc-Type: 4,ENCRYPTED\n"
                                         "DEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\n"
                                         "AAAAAAAAAAAAAAAAAAAAAA==\n"
                                         "-----END EC PRIVATE KEY-----\n");
    expect({good.certificate, key}, "!", "is encrypted");
}

TEST_F(CertificateFile, IsTooOldOrTooNewOrSoonTooOld) {
    expect(folder.make({.names = {"a.test"}, .begin = now - 48h, .time = 24h}), "!", "expired on 20");
    expect(folder.make({.names = {"b.test"}, .begin = now + 24h}), "!", "is not valid before 20");
    expect(folder.make({.names = {"c.test"}, .time = 13 * 24h}), "?", "expires on 20");
    EXPECT_EQ(problems(folder.make({.names = {"d.test"}, .time = 15 * 24h})), "");
}

TEST_F(CertificateFile, HasAKeyThatEverybodyCanRead) {
    std::filesystem::permissions(good.key, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    expect(good, "?", "everybody on this machine can read");
}

TEST(CertificateMaker, RefusesWhatIsNoName) {
    const CertificateMaker maker{"test"};
    for (const char* name : {"", "a b", "a,IP:1.2.3.4", "https://a", "a:443"}) {
        EXPECT_THROW(static_cast<void>(maker.make({.names = {name}})), std::runtime_error) << name;
    }
    EXPECT_NO_THROW(static_cast<void>(maker.make({.names = {"a.test", "*.a.test", "10.0.0.1", "fd00::1"}})));
}

}  // namespace
}  // namespace c10k
