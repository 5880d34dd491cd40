#include "runtime/base/json_text.h"

#include <gtest/gtest.h>

namespace podreeve {
namespace {

using Json = nlohmann::json;

TEST(JsonText, OfValidTextIsTheLibrarys) {
    const Json value = {{"b", "tschüß \x01\n\"😀\""}, {"a", {1, -2, 2.5, true, nullptr}}};
    EXPECT_EQ(json_text(value), value.dump());
    EXPECT_EQ(indented_json_text(value), value.dump(2));
}

TEST(JsonText, ReplacesWhatIsNoUtf8) {
    EXPECT_EQ(json_text(Json("a\xFF")), "\"a\xEF\xBF\xBD\"");
    EXPECT_EQ(json_text(Json{{"half \xC3", "x"}}), "{\"half \xEF\xBF\xBD\":\"x\"}");
    EXPECT_EQ(indented_json_text(Json("\xE2\x82")), "\"\xEF\xBF\xBD\"");
}

TEST(JsonObjectFrom, AnythingElseIsAnEmptyObject) {
    for (const char* text : {"", "null", "7", "[1]", "{", "{\"a\":1} x", "\xFF"}) {
        EXPECT_EQ(json_object_from(text), Json::object()) << text;
    }
    EXPECT_EQ(json_object_from(R"({"a":1})"), Json({{"a", 1}}));
}

TEST(Fields, OfAnotherTypeReadAsTheFallback) {
    const char* const texts[] = {"null",         "7",           "\"x\"",
                                 "[1]",          "{}",          R"({"k":[]})",
                                 R"({"k":1.5})", R"({"k":{}})", R"({"k":null})"};
    for (const char* text : texts) {
        const Json value = Json::parse(text);
        EXPECT_EQ(text_in(value, "k", "none"), "none") << text;
        EXPECT_EQ(number_in(value, "k", 42), 42) << text;
        EXPECT_TRUE(flag_in(value, "k", true)) << text;
    }
    EXPECT_EQ(text_in({{"k", 1}}, "k"), "");
    EXPECT_EQ(number_in({{"k", "1"}}, "k"), 0);
    EXPECT_FALSE(flag_in({{"k", "true"}}, "k"));
    EXPECT_EQ(number_in({{"k", UINT64_MAX}}, "k", -1), -1);
}

TEST(Fields, OfTheirTypeAreRead) {
    const Json value = {{"text", "x"}, {"number", -3}, {"unsigned", 3U}, {"flag", true}};
    EXPECT_EQ(text_in(value, "text"), "x");
    EXPECT_EQ(number_in(value, "number"), -3);
    EXPECT_EQ(number_in(value, "unsigned"), 3);
    EXPECT_TRUE(flag_in(value, "flag"));
    EXPECT_TRUE(child_in(value, "missing").is_null());
}

}  // namespace
}  // namespace podreeve
