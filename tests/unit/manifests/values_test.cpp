#include <gtest/gtest.h>

#include "manifests/base64.h"
#include "manifests/expand.h"
#include "manifests/names.h"
#include "manifests/quantity.h"

namespace podreeve::manifests {
namespace {

struct QuantityCase {
    const char* text;
    std::optional<std::int64_t> milli;
    std::optional<std::int64_t> whole;
};

TEST(Quantity, ReadsWhatKubernetesWrites) {
    const QuantityCase cases[] = {
        {"500m", 500, 1},
        {"1", 1000, 1},
        {"1.5", 1500, 2},
        {".5", 500, 1},
        {"2.", 2000, 2},
        {"0", 0, 0},
        {"+3", 3000, 3},
        {"1001m", 1001, 2},
        {"1Ki", 1024'000, 1024},
        {"1Gi", 1'073'741'824'000, 1'073'741'824},
        {"100M", 100'000'000'000, 100'000'000},
        {"1k", 1'000'000, 1000},
        {"1e3", 1'000'000, 1000},
        {"1E3", 1'000'000, 1000},
        {"5e-1", 500, 1},
        {"1.5Gi", 1'610'612'736'000, 1'610'612'736},
        {"8Pi", 9'007'199'254'740'992'000, 9'007'199'254'740'992},
        {"0.0001", 1, 1},
        {"16Pi", std::nullopt, 18'014'398'509'481'984},
        {"", std::nullopt, std::nullopt},
        {"-1", std::nullopt, std::nullopt},
        {"1K", std::nullopt, std::nullopt},
        {"1gi", std::nullopt, std::nullopt},
        {"1 Gi", std::nullopt, std::nullopt},
        {"Gi", std::nullopt, std::nullopt},
        {"1.2.3", std::nullopt, std::nullopt},
        {"1e99", std::nullopt, std::nullopt},
        {"9999999999999999999999", std::nullopt, std::nullopt},
        {"999999999999999P", std::nullopt, std::nullopt},
        {"nan", std::nullopt, std::nullopt},
    };
    for (const QuantityCase& c : cases) {
        EXPECT_EQ(parse_milli_quantity(c.text), c.milli) << c.text;
        EXPECT_EQ(parse_quantity(c.text), c.whole) << c.text;
    }
}

TEST(Memory, ReadsWhatPodmanReads) {
    const std::pair<const char*, std::optional<std::int64_t>> cases[] = {
        {"1024", 1024},        {"64m", 64LL << 20U},       {"64M", 64LL << 20U},
        {"64Mi", 64LL << 20U}, {"64MiB", 64LL << 20U},     {"64mb", 64LL << 20U},
        {"1g", 1LL << 30U},    {"1.5g", 3LL << 29U},       {"10b", 10},
        {"2t", 2LL << 40U},    {"", std::nullopt},         {"m", std::nullopt},
        {"1x", std::nullopt},  {"1mm", std::nullopt},      {"-1m", std::nullopt},
        {"1 m", std::nullopt}, {"99999999p", std::nullopt}};
    for (const auto& [text, bytes] : cases) {
        EXPECT_EQ(parse_memory(text), bytes) << text;
    }
}

TEST(Names, KnowALabel) {
    for (const char* good : {"a", "web", "web-1", "1web", "a-b-c"}) {
        EXPECT_TRUE(is_label(good)) << good;
    }
    for (const std::string& bad : {std::string(), std::string("Web"), std::string("-a"),
                                   std::string("a-"), std::string("a.b"), std::string("a_b"),
                                   std::string("a b"), std::string("é"), std::string(64, 'a')}) {
        EXPECT_FALSE(is_label(bad)) << bad;
    }
    EXPECT_TRUE(is_label(std::string(63, 'a')));
}

TEST(Names, KnowASubdomain) {
    EXPECT_TRUE(is_subdomain("a.b-c.d"));
    for (const char* bad : {"", ".", "a..b", "a.", "A", "a/b", "a.-b"}) {
        EXPECT_FALSE(is_subdomain(bad)) << bad;
    }
}

TEST(Names, KnowAnImageReference) {
    for (const char* good : {"busybox", "localhost/busybox:latest", "localhost:5000/a/b:1.2_x-Y",
                             "docker.io/library/a", "REG.example:443/app"}) {
        EXPECT_TRUE(is_image_reference(good)) << good;
    }
    for (const char* bad : {"", " ", "Busybox", "a b", "a:", "a:b:c", "/a", "a/", "a//b", "a@",
                            "a@x", "a@", "a:\n", "-a", "http://a/b"}) {
        EXPECT_FALSE(is_image_reference(bad)) << bad;
    }
}

TEST(Names, KnowADigestThatIsWhole) {
    const std::string digits(64, 'a');
    for (const std::string& good :
         {"a@sha256:" + digits, "ghcr.io/x/y:1@sha256:" + digits, "a@sha512:" + digits + digits}) {
        EXPECT_TRUE(is_image_reference(good)) << good;
    }
    for (const std::string& bad :
         {std::string("a@sha256:"), std::string("a@sha256:1"), "a@sha256:" + digits + "a",
          "a@sha256:" + digits.substr(1), "a@sha256:A" + digits.substr(1), "a@sha512:" + digits,
          "a@md5:" + digits, "a@" + digits}) {
        EXPECT_FALSE(is_image_reference(bad)) << bad;
    }
}

TEST(Names, KnowTheLatestTag) {
    for (const char* latest : {"a", "a:latest", "localhost:5000/a", "x.io/a:latest"}) {
        EXPECT_TRUE(is_latest(latest)) << latest;
    }
    for (const char* fixed : {"a:1", "localhost:5000/a:1", "a@sha256:00", "a:latest@sha256:00"}) {
        EXPECT_FALSE(is_latest(fixed)) << fixed;
    }
}

TEST(Names, KeepAPathInside) {
    for (const char* good : {"a", "a/b", "a.b/c", ".hidden"}) {
        EXPECT_TRUE(is_inner_path(good)) << good;
    }
    for (const char* bad :
         {"", "/a", "..", "a/..", "../a", "a/../b", "a//b", "a/", "./a", "..data"}) {
        EXPECT_FALSE(is_inner_path(bad)) << bad;
    }
}

TEST(Names, KnowADataKey) {
    for (const char* good : {"a", "A_b-c.d", ".dockerconfigjson"}) {
        EXPECT_TRUE(is_data_key(good)) << good;
    }
    for (const char* bad : {"", ".", "..", "..a", "a/b", "a b", "é"}) {
        EXPECT_FALSE(is_data_key(bad)) << bad;
    }
}

TEST(Base64, GoesThereAndBack) {
    for (const std::string& bytes :
         {std::string(), std::string("a"), std::string("ab"), std::string("abc"),
          std::string("\0\xFF\x80", 3), std::string(1000, 'x')}) {
        EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
    }
    EXPECT_EQ(encode_base64("hello"), "aGVsbG8=");
    EXPECT_EQ(decode_base64("aGVs\n bG8="), "hello");
}

TEST(Base64, RefusesWhatItIsNot) {
    for (const char* bad : {"a", "aGVsbG8", "aGVsbG8==", "aG=s", "aGVsb*8=", "====", "a==="}) {
        EXPECT_EQ(decode_base64(bad), std::nullopt) << bad;
    }
}

TEST(Expand, FollowsKubernetes) {
    const std::map<std::string, std::string> values = {{"A", "1"}, {"B", "$(A)"}, {"EMPTY", ""}};
    const std::pair<const char*, const char*> cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"$(A)", "1"},
        {"x$(A)y$(A)z", "x1y1z"},
        {"$(B)", "$(A)"},  // not again
        {"$(EMPTY)|", "|"},
        {"$(NONE)", "$(NONE)"},
        {"$$(A)", "$(A)"},
        {"$$$(A)", "$1"},
        {"$A ${A}", "$A ${A}"},
        {"$(A", "$(A"},
        {"$()", "$()"},
        {"cost: 5$", "cost: 5$"},
        {"$", "$"},
    };
    for (const auto& [text, expanded] : cases) {
        EXPECT_EQ(expand_variables(text, values), expanded) << text;
    }
}

}  // namespace
}  // namespace podreeve::manifests
