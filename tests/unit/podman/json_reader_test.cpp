#include "runtime/podman/json_reader.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/podman/recorded.h"

namespace podreeve::podman {
namespace {

TEST(JsonReader, DecodesTextAsTheBigParserDoes) {
    for (const std::string text :
         {R"("")", R"("plain")", R"("a\"b\\c\/d\b\f\n\r\t")",
          R"("\u00e4\u20ac\ud83d\ude00\u0000x")", R"(  "space"  )", R"("ü€😀")"}) {
        JsonReader reader(text);
        EXPECT_EQ(reader.text(), nlohmann::json::parse(text).get<std::string>()) << text;
        EXPECT_TRUE(reader.finished()) << text;
    }
}

TEST(JsonReader, RefusesBadText) {
    for (const std::string text :
         {"\"", "\"\\", "\"\\\"", "\"a\nb\"", R"("\q")", R"("\u12")", R"("\u12g4")", R"("\ud800")",
          R"("\ud800\u0041")", R"("\udc00")", "\"\xc3\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"",
          "\"\xf5\x80\x80\x80\"", "\"\xf0\x80\x80\x80\"", "\"\xe0\x80\x80\"",
          "\"\xf4\x90\x80\x80\""}) {
        JsonReader reader(text);
        reader.text();
        EXPECT_FALSE(reader.finished()) << text;
        EXPECT_TRUE(nlohmann::json::parse(text, nullptr, false).is_discarded()) << text;
    }
}

TEST(JsonReader, ReadsNumbers) {
    struct Row {
        std::string text;
        std::int64_t value;
    };

    for (const Row& row :
         {Row{"0", 0}, Row{"-62135596800", -62135596800}, Row{"9223372036854775807", INT64_MAX},
          Row{"9223372036854775808", 0}, Row{"1.5", 0}, Row{"-1e-3", 0}, Row{"\"7\"", 0},
          Row{"null", 0}, Row{"[1,{\"a\":[]}]", 0}}) {
        JsonReader reader(row.text);
        EXPECT_EQ(reader.number(), row.value) << row.text;
        EXPECT_TRUE(reader.finished()) << row.text;
    }
    for (const std::string text : {"-", "1.", "1e", "--1", "+1", "1x", "01", "-01", "00", "01.5"}) {
        JsonReader reader(text);
        reader.number();
        EXPECT_FALSE(reader.finished()) << text;
    }
}

TEST(JsonReader, PassesOverWhatWasNotAskedFor) {
    JsonReader reader(
        R"({"a":{"b":[1,"x",{"c":null}]},"k\u0065y":"v","t":true,"f":false,"e":{},"l":[]})");
    std::string value;
    bool flag = false;
    int others = 0;
    ASSERT_TRUE(reader.object([&](std::string_view key) {
        if (key == "key") {
            value = reader.text();
        } else if (key == "t") {
            flag = reader.flag();
        } else {
            reader.skip();
            ++others;
        }
    }));
    EXPECT_TRUE(reader.finished());
    EXPECT_EQ(value, "v");
    EXPECT_TRUE(flag);
    EXPECT_EQ(others, 4);
}

TEST(JsonReader, RefusesWhatIsNotJson) {
    for (const std::string text :
         {"", " ", "{", "[", "{}}", "[]]", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "[1 2]",
          "tru", "nul", "[true false]", "{\"a\":}", ",", "[,1]", "{1:2}", "//"}) {
        JsonReader reader(text);
        reader.skip();
        EXPECT_FALSE(reader.finished()) << text;
        EXPECT_TRUE(nlohmann::json::parse(text, nullptr, false).is_discarded()) << text;
    }
}

TEST(JsonReader, EndsAtADepthThatNoReplyHas) {
    const std::string deep = std::string(100000, '[') + std::string(100000, ']');
    JsonReader reader(deep);
    reader.skip();
    EXPECT_FALSE(reader.finished());
}

TEST(JsonReader, TakesEveryRecordedReplyAsItIs) {
    for (const char* version : kVersions) {
        for (const char* file : {"containers.json", "container.json", "pods.json", "image.json"}) {
            const std::string body = recorded(version, file);
            JsonReader reader(body);
            reader.skip();
            EXPECT_TRUE(reader.finished()) << version << " " << file;
        }
    }
}

}  // namespace
}  // namespace podreeve::podman
