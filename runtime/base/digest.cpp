#include "runtime/base/digest.h"

#include <cstdlib>
#include <sys/random.h>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace podreeve {
namespace {

std::string to_hex(const unsigned char* bytes, std::size_t size) {
    std::string text;
    text.reserve(size * 2);
    for (std::size_t i = 0; i < size; ++i) {
        text += fmt::format("{:02x}", bytes[i]);
    }
    return text;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) != 1) {
        std::abort();  // the library holds no SHA-256: nothing here can be trusted any more
    }
    return to_hex(digest, size);
}

std::string random_hex(unsigned bytes) {
    std::vector<unsigned char> raw(bytes);
    if (::getrandom(raw.data(), raw.size(), 0) != static_cast<ssize_t>(raw.size())) {
        std::abort();  // the kernel promises this for up to 256 bytes once it has booted
    }
    return to_hex(raw.data(), raw.size());
}

}  // namespace podreeve
