#pragma once

#include <memory>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace c10k {

// OpenSSL's objects with owners. For .cpp files: it is heavy.

struct OpenSslFree {
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
};

using X509Pointer = std::unique_ptr<X509, OpenSslFree>;
using KeyPointer = std::unique_ptr<EVP_PKEY, OpenSslFree>;
using BioPointer = std::unique_ptr<BIO, OpenSslFree>;

}  // namespace c10k
