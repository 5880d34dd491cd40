#include "runtime/systemd/escape.h"

#include <gtest/gtest.h>

namespace podreeve::systemd {
namespace {

TEST(Escape, GivesWhatSystemdEscapeGives) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"", ""},
        {"plain_Name:1.2", "plain_Name:1.2"},
        {"a/b", "a-b"},
        {"a-b", "a\\x2db"},
        {".hidden", "\\x2ehidden"},
        {"a.b", "a.b"},
        {"Hallo thorben", "Hallo\\x20thorben"},
        {"\xC3\xA4", "\\xc3\\xa4"},
        {"a\\b", "a\\x5cb"},
        {"/", "-"},
        {"@%", "\\x40\\x25"}};
    for (const auto& [text, escaped] : rows) {
        EXPECT_EQ(escape(text), escaped);
        EXPECT_EQ(unescape(escaped).value(), text);
    }
}

TEST(Escape, ComesBackForEveryByte) {
    std::string all;
    for (int c = 0; c < 256; ++c) {
        all += static_cast<char>(c);
    }
    EXPECT_EQ(unescape(escape(all)).value(), all);
}

TEST(Escape, IsNotUndoneWhereItIsBroken) {
    for (const char* text : {"\\", "\\x", "\\x2", "\\x2g", "\\y2d", "a\\x"}) {
        const auto result = unescape(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().code, Code::InvalidArgument);
    }
}

TEST(EscapePath, LeavesTheOuterSlashesOut) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"/", "-"},
        {"///", "-"},
        {"/etc/podreeve/web.yaml", "etc-podreeve-web.yaml"},
        {"//a//b/", "a-b"},
        {"/.config/x", "\\x2econfig-x"},
        {"/a/.b", "a-.b"},
        {"/home/app/my-app.yaml", "home-app-my\\x2dapp.yaml"}};
    for (const auto& [path, escaped] : rows) {
        EXPECT_EQ(escape_path(path).value(), escaped) << path;
    }
}

TEST(EscapePath, RefusesWhatIsNotAPlainAbsolutePath) {
    for (const char* path : {"", "a/b", "/a/../b", "/..", "/a/./b"}) {
        const auto result = escape_path(path);
        ASSERT_FALSE(result) << path;
        EXPECT_EQ(result.error().code, Code::InvalidArgument);
    }
}

TEST(InstanceOf, PutsTheInstanceBehindTheAt) {
    EXPECT_EQ(instance_of("podreeve-kube@.service", "a-b").value(), "podreeve-kube@a-b.service");
    EXPECT_FALSE(instance_of("podreeve.service", "a"));
    EXPECT_FALSE(instance_of("@.service", "a"));
    EXPECT_FALSE(instance_of("x@.service", ""));
}

}  // namespace
}  // namespace podreeve::systemd
