#include "tls/certificate_maker.hpp"

#include "tls/openssl.hpp"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace c10k {
namespace {

constexpr int kPositiveSerialBits = 127;

void require(bool done) {
    if (!done) {
        const char* reason = ERR_reason_error_string(ERR_get_error());
        ERR_clear_error();
        throw std::runtime_error(std::string{"cannot make a certificate: "} + (reason != nullptr ? reason : "?"));
    }
}

KeyPointer new_key() {
    KeyPointer key{EVP_EC_gen("P-256")};
    require(key != nullptr);
    return key;
}

void set_time(ASN1_TIME* field, std::chrono::system_clock::time_point time) {
    require(ASN1_TIME_set(field, std::chrono::system_clock::to_time_t(time)) != nullptr);
}

// Certificates of one authority must not share a number (RFC 5280, 4.1.2.2).
void set_serial_number(X509* certificate) {
    const std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> number{BN_new(), &BN_free};
    require(number && BN_rand(number.get(), kPositiveSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1);
    require(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

X509Pointer new_certificate(const std::string& name, const CertificateWishes& wishes, EVP_PKEY* key) {
    X509Pointer certificate{X509_new()};
    require(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
    set_serial_number(certificate.get());
    set_time(X509_getm_notBefore(certificate.get()), wishes.begin);
    set_time(X509_getm_notAfter(certificate.get()), wishes.begin + wishes.time);
    require(X509_set_pubkey(certificate.get(), key) == 1);
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(name.data()),
                                       static_cast<int>(name.size()), -1, 0) == 1);
    return certificate;
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> extension{
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), &X509_EXTENSION_free};
    require(extension != nullptr);
    require(X509_add_ext(certificate, extension.get(), -1) == 1);
}

bool is_ip_address(const std::string& name) {
    const std::unique_ptr<ASN1_OCTET_STRING, void (*)(ASN1_OCTET_STRING*)> address{a2i_IPADDRESS(name.c_str()),
                                                                                   &ASN1_OCTET_STRING_free};
    ERR_clear_error();
    return address != nullptr;
}

// "DNS:localhost,IP:127.0.0.1"
std::string alternative_names(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) {
        if (name.empty() || name.find_first_of(",: \t\n") != std::string::npos) {
            if (!is_ip_address(name)) {
                throw std::runtime_error("'" + name + "' is neither the name of a host nor an IP address");
            }
        }
        list += (list.empty() ? "" : ",") + std::string{is_ip_address(name) ? "IP:" : "DNS:"} + name;
    }
    return list;
}

template <typename Write>
std::string to_pem(Write write) {
    const BioPointer memory{BIO_new(BIO_s_mem())};
    require(memory && write(memory.get()) == 1);
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate) {
    return to_pem([certificate](BIO* memory) { return PEM_write_bio_X509(memory, certificate); });
}

}  // namespace

CertificateMaker::CertificateMaker(const std::string& name, const CertificateWishes& wishes)
    : key_(new_key().release(), &EVP_PKEY_free),
      certificate_(new_certificate(name, wishes, key_.get()).release(), &X509_free) {
    X509* own = certificate_.get();
    require(X509_set_issuer_name(own, X509_get_subject_name(own)) == 1);
    add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(own, own, NID_key_usage, "critical,keyCertSign");
    add_extension(own, own, NID_subject_key_identifier, "hash");
    require(X509_sign(own, key_.get(), EVP_sha256()) > 0);
}

CertificateMaker::~CertificateMaker() = default;

std::string CertificateMaker::certificate() const { return to_pem(certificate_.get()); }

CertificateTexts CertificateMaker::make(const CertificateWishes& wishes) const {
    const std::string names = alternative_names(wishes.names);
    const KeyPointer key = new_key();
    const X509Pointer made = new_certificate(wishes.names.at(0), wishes, key.get());
    X509* issuer = certificate_.get();
    require(X509_set_issuer_name(made.get(), X509_get_subject_name(issuer)) == 1);
    add_extension(made.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(made.get(), issuer, NID_key_usage, "critical,digitalSignature");
    add_extension(made.get(), issuer, NID_ext_key_usage, "serverAuth");
    add_extension(made.get(), issuer, NID_subject_key_identifier, "hash");
    add_extension(made.get(), issuer, NID_authority_key_identifier, "keyid:always");
    add_extension(made.get(), issuer, NID_subject_alt_name, names);
    require(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
    return {to_pem(made.get()), to_pem([&key](BIO* memory) {
                return PEM_write_bio_PKCS8PrivateKey(memory, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
            })};
}

}  // namespace c10k
