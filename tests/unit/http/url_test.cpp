#include <gtest/gtest.h>

#include "runtime/http/client.h"

namespace podreeve::http {
namespace {

TEST(Encode, KeepsOnlyWhatNoUrlMistakes) {
    struct Row {
        std::string_view text, encoded;
    };

    for (const Row& row :
         {Row{"", ""}, Row{"aZ09-._~", "aZ09-._~"}, Row{"localhost/web:1", "localhost%2Fweb%3A1"},
          Row{"a b&c=d?e#f", "a%20b%26c%3Dd%3Fe%23f"}, Row{"ü", "%C3%BC"}, Row{"../x", "..%2Fx"}}) {
        EXPECT_EQ(encode(row.text), row.encoded);
    }
}

TEST(Query, LeavesOutWhatHasNoValue) {
    EXPECT_EQ(query({}), "");
    EXPECT_EQ(query({{"a", std::nullopt}}), "");
    EXPECT_EQ(query({{"a", std::nullopt}, {"b", "1"}, {"c", ""}, {"d", "x y"}}), "?b=1&c=&d=x%20y");
}

}  // namespace
}  // namespace podreeve::http
