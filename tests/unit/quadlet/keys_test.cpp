#include "quadlet/keys.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "quadlet/values.h"

namespace podreeve::quadlet {
namespace {

constexpr UnitType kTypes[] = {UnitType::Container, UnitType::Pod,     UnitType::Kube,
                               UnitType::Volume,    UnitType::Network, UnitType::Image,
                               UnitType::Build};

TEST(Keys, OfATypeStandOnceAndAreNoOlderThanIt) {
    for (const UnitType type : kTypes) {
        std::set<std::string_view> seen;
        for (const Key& key : keys_of(type)) {
            EXPECT_TRUE(seen.insert(key.name).second) << key.name;
            EXPECT_LE(key.since, kNewestRelease) << key.name;
            EXPECT_GE(key.since, kFirstRelease) << key.name;
            EXPECT_EQ(key.kind == ValueKind::Choice, !key.words.empty()) << key.name;
            EXPECT_EQ(key.use == Use::Own, key.flag.empty()) << key.name;
            EXPECT_EQ(find_key(type, key.name), &key);
        }
        for (const std::string_view common :
             {"ContainersConfModule", "GlobalArgs", "PodmanArgs", "ServiceName"}) {
            EXPECT_NE(find_key(type, common), nullptr) << section_name(type) << common;
        }
        EXPECT_EQ(find_key(type, "image"), nullptr);
    }
}

struct KindCase {
    ValueKind kind;
    std::vector<std::string_view> good;
    std::vector<std::string_view> bad;
};

TEST(Keys, TakeValuesOfTheirKindAlone) {
    const KindCase cases[] = {
        {ValueKind::Text, {"", "anything at all \" \\q"}, {}},
        {ValueKind::Boolean, {"true", "NO", "on", "0", "", "\"yes\"", "%i"}, {"maybe", "2", "y"}},
        {ValueKind::Number, {"0", "65536", "${N}"}, {"-1", "x", "1.5", "1 2"}},
        {ValueKind::Limit, {"-1", "0", "10"}, {"-2", "none"}},
        {ValueKind::Duration,
         {"90", "1m30s", "500ms", "1.5h", "disable", "10us"},
         {"2 minutes", "1d", "s", "1m30", "-1s"}},
        {ValueKind::Size, {"1024", "64m", "1.5G", "2GiB", "10b"}, {"m", "64 m", "64x", "-1"}},
        {ValueKind::Address, {"10.0.0.1", "fd00::1"}, {"10.0.0", "localhost", "10.0.0.1/8"}},
        {ValueKind::Subnet, {"10.0.0.0/24", "fd00::/64"}, {"10.0.0.0", "x/24", "10.0.0.0/"}},
        {ValueKind::Port, {"80", "50-59", "80/udp"}, {"http", "80/icmp", "65536", "80:80", "-"}},
        {ValueKind::Publish,
         {"80", "8080:80", "127.0.0.1:8080:80/udp", "127.0.0.1::80", "[::1]:81:80", "1-9:1-9"},
         {"a:80", "300.0.0.1:1:1", "1:2:3:4", "::1:80", "80:", "[::1:80"}},
        {ValueKind::Words, {"a \"b c\"", "a\\q"}, {"a \"b", "a \"\" b"}},
        {ValueKind::Arguments, {"a \"b c\"", "a\\x20b"}, {"a\\q", "'a", "sh \"\" b"}},
        {ValueKind::Pairs, {"A=1 \"B=x y\" C"}, {"A=\"", "A=\\"}},
    };
    for (const KindCase& each : cases) {
        const Key key{"Key", each.kind, Use::Own, ""};
        for (const std::string_view value : each.good) {
            const auto bad = check_value(key, value);
            EXPECT_FALSE(bad) << value << ": " << bad->message;
        }
        for (const std::string_view value : each.bad) {
            EXPECT_TRUE(check_value(key, value)) << static_cast<int>(each.kind) << " " << value;
        }
    }
}

TEST(Keys, NameTheWordThatWasMeant) {
    const Key* pull = find_key(UnitType::Container, "Pull");
    ASSERT_NE(pull, nullptr);
    EXPECT_FALSE(check_value(*pull, "Newer"));
    const auto bad = check_value(*pull, "alway");
    ASSERT_TRUE(bad);
    EXPECT_EQ(bad->message, "'alway' is none of its words");
    EXPECT_EQ(bad->allowed, "always, missing, never, newer");
    EXPECT_EQ(bad->nearest, "always");
}

}  // namespace
}  // namespace podreeve::quadlet
