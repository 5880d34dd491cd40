#include "runtime/base/digest.h"

#include <set>

#include <gtest/gtest.h>

namespace podreeve {
namespace {

TEST(Digest, IsSha256InHex) {
    // The examples of FIPS 180-4.
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, TakesNulBytesIntoAccount) {
    EXPECT_NE(sha256_hex(std::string_view("a\0", 2)), sha256_hex("a"));
}

TEST(RandomHex, HasTheLengthAskedForAndDoesNotRepeat) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string text = random_hex(16);
        EXPECT_EQ(text.size(), 32U);
        EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos);
        EXPECT_TRUE(seen.insert(text).second);
    }
    EXPECT_EQ(random_hex(0), "");
    EXPECT_EQ(random_hex(256).size(), 512U);
}

}  // namespace
}  // namespace podreeve
