#include "quadlet/unit_file.h"

#include <functional>

#include <gtest/gtest.h>

namespace podreeve::quadlet {
namespace {

std::vector<std::string> values(const std::vector<Entry>& entries) {
    std::vector<std::string> all;
    for (const Entry& entry : entries) {
        all.push_back(entry.value);
    }
    return all;
}

UnitFile parsed(std::string_view text) {
    UnitFile::Parsed result = UnitFile::parse(text);
    EXPECT_TRUE(result.errors.empty())
        << result.errors.front().message << " at " << result.errors.front().position.line;
    return result.file;
}

std::string errors_in(const std::vector<SyntaxError>& errors) {
    std::string text;
    for (const SyntaxError& error : errors) {
        text += std::to_string(error.position.line) + ":" + std::to_string(error.position.column) +
                " " + error.message + "\n";
    }
    return text;
}

constexpr std::string_view kWeb = R"(# The shop's front.
[Unit]
Description=Shop
After=network-online.target

[Container]
Image=docker.io/library/nginx:1.27
Environment=A=1
Environment=B="two words"
; ports
PublishPort=8080:80
Exec=nginx \
    # not a part of the value
    -g "daemon off;"

[Install]
WantedBy=default.target
)";

TEST(UnitFile, GivesBackEveryByteOfWhatItRead) {
    const std::string_view texts[] = {"",
                                      "\n",
                                      "\n\n\n",
                                      "# only a comment",
                                      "[A]",
                                      "[A]\n",
                                      "  [A]  \n\tK = v \n",
                                      kWeb,
                                      "[A]\nK=v",
                                      "[A]\nK=\n",
                                      "[A]\nK=a\\\nb\n",
                                      "[A]\nK=a\\\n# c\n;d\n b\\\n",
                                      "[A]\nK=a\\",
                                      "[A]\n[A]\n[B]\n[A]\n",
                                      "[A]\nK=\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\n",
                                      "[A]\nK=v\\\\x\nL=w\n"};
    for (const std::string_view text : texts) {
        EXPECT_EQ(parsed(text).render(), text);
    }
}

TEST(UnitFile, FindsSectionsKeysAndValues) {
    const UnitFile file = parsed(kWeb);
    EXPECT_EQ(file.sections(), (std::vector<std::string>{"Unit", "Container", "Install"}));
    EXPECT_TRUE(file.has_section("Install"));
    EXPECT_FALSE(file.has_section("Pod"));
    EXPECT_EQ(file.last("Container", "Image"), "docker.io/library/nginx:1.27");
    EXPECT_EQ(file.last("Container", "Pod"), "");
    EXPECT_EQ(file.last("Unit", "Image"), "");
}

TEST(UnitFile, KeepsTheOrderOfRepeatedKeys) {
    const UnitFile file = parsed(kWeb);
    EXPECT_EQ(values(file.all("Container", "Environment")),
              (std::vector<std::string>{"A=1", "B=\"two words\""}));
}

TEST(UnitFile, SaysWhereEachEntryStands) {
    const UnitFile file = parsed("[A]\n\n  Key \t=  value\nEmpty=\nWrapped=\\\n  x\n");
    const std::vector<Entry> entries = file.entries();
    ASSERT_EQ(entries.size(), 3U);
    EXPECT_EQ(entries[0], (Entry{"A", "Key", "value", {3, 3}, {3, 11}}));
    EXPECT_EQ(entries[1], (Entry{"A", "Empty", "", {4, 1}, {4, 7}}));
    EXPECT_EQ(entries[2], (Entry{"A", "Wrapped", "x", {5, 1}, {5, 9}}));
}

TEST(UnitFile, KeepsAnEmptyValueAsAnEntryAndLetsItResetAList) {
    const UnitFile file = parsed("[A]\nL=1\nL=2\nL=\nL=3\nL=4\nGone=1\nGone=\n");
    EXPECT_EQ(values(file.all("A", "L")), (std::vector<std::string>{"1", "2", "", "3", "4"}));
    EXPECT_EQ(file.list("A", "L"), (std::vector<std::string>{"3", "4"}));
    EXPECT_TRUE(file.list("A", "Gone").empty());
    EXPECT_EQ(file.last("A", "Gone"), "");
    EXPECT_EQ(file.last("A", "L"), "4");
}

TEST(UnitFile, CountsASectionOpenedTwiceAsOne) {
    const UnitFile file = parsed("[A]\nK=1\n[B]\nK=2\n[A]\nK=3\n");
    EXPECT_EQ(file.sections(), (std::vector<std::string>{"A", "B"}));
    EXPECT_EQ(values(file.all("A", "K")), (std::vector<std::string>{"1", "3"}));
}

struct ValueCase {
    std::string_view text;
    std::string_view value;
};

TEST(UnitFile, ReadsAValueAsTheGeneratorDoes) {
    const ValueCase cases[] = {
        {"K=v", "v"},
        {"K=  spaces around \t", "spaces around"},
        {"K=a=b=c", "a=b=c"},
        {"K=a # not a comment", "a # not a comment"},
        {"K=\"quotes stay\"", "\"quotes stay\""},
        {"K=value 2 \\\n       value 2 continued", "value 2 value 2 continued"},
        {"K=value 3 \\\n# this line is ignored\n; this line is ignored too\n       continued",
         "value 3 continued"},
        {"K=a\\\nb\\\n\tc", "abc"},  // systemd would put a blank for the backslash
        {"K=a\\\n#x\\\nb", "ab"},    // a comment's own backslash joins nothing
        {"K=three\\\\\\\nx", "three\\\\x"},
        {"K=a\\\n[B]", "a[B]"},
        {"K=a\\", "a"},
        {"K\\\n=v", "v"},
    };
    for (const ValueCase& each : cases) {
        const UnitFile file = parsed("[A]\n" + std::string(each.text));
        ASSERT_FALSE(file.entries().empty()) << each.text;
        EXPECT_EQ(file.entries().front().key, "K");
        EXPECT_EQ(file.entries().front().value, each.value) << each.text;
    }
}

TEST(UnitFile, DoesNotContinueAComment) {
    const UnitFile file = parsed("[A]\n# a comment \\\nK=v\n");
    EXPECT_EQ(file.last("A", "K"), "v");
}

TEST(UnitFile, ReportsAllErrorsOfAFileWithTheirPlaces) {
    const auto result = UnitFile::parse(
        "Early=1\n"
        "[Unit\n"
        "[]\n"
        "[Con[tainer]\n"
        "[ Unit ]\n"
        "[Unit] x\n"
        "[Container]\n"
        "Image=nginx\n"
        "  no assignment\n"
        "=value\n"
        "two words=1\n"
        "[\n"
        "Exec=ok\n");
    EXPECT_EQ(errors_in(result.errors),
              "1:1 an assignment is before the first section\n"
              "2:1 this is not a section header; write it as [Name]\n"
              "3:1 this is not a section header; write it as [Name]\n"
              "4:1 this is not a section header; write it as [Name]\n"
              "5:1 this is not a section header; write it as [Name]\n"
              "6:1 this is not a section header; write it as [Name]\n"
              "9:3 this is not a section, an assignment or a comment; a line that goes on ends "
              "with a backslash\n"
              "10:1 what is before the '=' is not a key\n"
              "11:1 what is before the '=' is not a key\n"
              "12:1 this is not a section header; write it as [Name]\n");
    EXPECT_EQ(result.file.last("Container", "Image"), "nginx");
}

TEST(UnitFile, CountsTheLinesOfAContinuation) {
    const auto result = UnitFile::parse("[A]\nK=a\\\n# c\nb\nwrong\n");
    EXPECT_EQ(errors_in(result.errors),
              "5:1 this is not a section, an assignment or a comment; a line that goes on ends "
              "with a backslash\n");
}

TEST(UnitFile, RefusesBytesThatAreNotPlainText) {
    using namespace std::string_view_literals;
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"\xEF\xBB\xBF[A]\n",
         "1:1 the file starts with a byte order mark; save it as plain UTF-8\n"},
        {"[A]\nK=a\0b\n"sv, "2:4 a NUL byte; the file is not text\n"},
        {"[A]\r\nK=v\r\n\r\n", "1:4 a Windows line end; save the file with Unix ones\n"},
        {"[A]\nK=a\rb\n", "2:4 a carriage return inside a line\n"},
        {"[A]\nK=a\x1B[0m\n", "2:4 a control character; write it as an escape like \\x1b\n"},
        {"[A]\nK=a\fb\n", "2:4 a control character; write it as an escape like \\x1b\n"},
        {"[A]\nK=\xFF\n", "2:3 not UTF-8\n"},
        {"[A]\nK=\xC0\xAF\n", "2:3 not UTF-8\n"},          // overlong
        {"[A]\nK=\xED\xA0\x80\n", "2:3 not UTF-8\n"},      // a surrogate
        {"[A]\nK=\xF4\x90\x80\x80\n", "2:3 not UTF-8\n"},  // beyond Unicode
        {"[A]\nK=\xE2\x82", "2:3 not UTF-8\n"},            // cut off
        {"# \xFF\n[A]\n", "1:3 not UTF-8\n"},
    };
    for (const auto& [text, errors] : cases) {
        EXPECT_EQ(errors_in(UnitFile::parse(text).errors), errors);
    }
}

TEST(UnitFile, RefusesWhatItsTwoReadersWouldEndElsewhere) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"[A]\nK=a\\ \nL=b\n", "2:4 a blank behind the backslash at the end of the line\n"},
        {"[A]\nK=a\\\\\nL=b\n",
         "2:5 two backslashes at the end of a line: Quadlet would join the next line\n"},
        {"[A]\nK=a\\\n\nL=b\n",
         "3:1 an empty line behind a backslash: end the value above, or delete it\n"},
        {"[A]\nK=a\\\\\\", "2:1 a backslash at the end of a value; write it as \\x5c\n"},
        {"[A]\nK=a\xC2\xA0\n", "2:1 a blank that is not ASCII at an end of the line\n"},
        {"[A]\n\xE3\x80\x80K=a\n", "2:1 a blank that is not ASCII at an end of the line\n"},
        {"[A]\nK\xC3\xA4=a\n", "2:1 what is before the '=' is not a key\n"},
    };
    for (const auto& [text, errors] : cases) {
        EXPECT_EQ(errors_in(UnitFile::parse(text).errors), errors);
    }
}

TEST(UnitFile, RefusesALineOfTenMegabytes) {
    const std::string text = "[A]\nK=" + std::string(10 * 1024 * 1024, 'x') + "\nL=v\n";
    const auto result = UnitFile::parse(text);
    EXPECT_EQ(errors_in(result.errors), "2:1 the line is longer than 1048576 bytes\n");
    EXPECT_EQ(result.file.last("A", "L"), "v");
}

TEST(UnitFile, RefusesShortLinesJoinedWithoutEnd) {
    std::string text = "[A]\nK=a\\\n";
    for (int i = 0; i < 40; ++i) {
        text += std::string(64 * 1024, 'x') + "\\\n";
    }
    const auto result = UnitFile::parse(text + "y\nL=v\n");
    ASSERT_EQ(result.errors.size(), 1U);
    EXPECT_EQ(result.errors.front().message, "the lines joined are too long");
    EXPECT_EQ(result.file.last("A", "L"), "v");
}

TEST(UnitFile, RefusesMoreThanAnybodyWouldWrite) {
    std::string text = "[A]\n";
    for (std::size_t i = 1; i < UnitFile::kMaxItems; ++i) {
        text += "K=\n";
    }
    EXPECT_TRUE(UnitFile::parse(text).errors.empty());
    EXPECT_EQ(errors_in(UnitFile::parse(text + "L=1\nL=2\nM=3\n").errors),
              "10001:1 more than 10000 headers and assignments\n");
}

TEST(UnitFile, GivesUpOnAFileThatIsNoUnitFile) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) {
        text += "garbage\n";
    }
    EXPECT_EQ(UnitFile::parse(text).errors.size(), UnitFile::kMaxErrors);
}

TEST(UnitFile, ShowsNoControlCharacterInAMessage) {
    const auto result = UnitFile::parse("red\ttab\n");
    ASSERT_EQ(result.errors.size(), 1U);
    EXPECT_EQ(result.errors.front().message,
              "this is not a section, an assignment or a comment; a line that goes on ends with a "
              "backslash");
}

// A line of a value whose backslash is missing may be a password.
TEST(UnitFile, QuotesNoLineInWhatItSays) {
    for (const char* text :
         {"[Container]\nEnvironment=A=1\n  PASS hunter2\n", "[Container]\n\"hunter2 x\"=\n",
          "[Container]\nhunter2 hunter2==\n", "hunter2=1\n[A]\n", "[hunter2\n", "['hunter2']\n",
          "[Container]\nK=a\\\n[hunter2\nb\nhunter2\n"}) {
        for (const auto& error : UnitFile::parse(text).errors) {
            EXPECT_EQ(error.message.find("hunter2"), std::string::npos) << text << error.message;
        }
    }
}

TEST(UnitFile, SetsAValueAndLeavesTheRestAlone) {
    UnitFile file = parsed(kWeb);
    ASSERT_TRUE(file.set("Container", "Image", "docker.io/library/nginx:1.28"));
    std::string expected(kWeb);
    expected.replace(expected.find("1.27"), 4, "1.28");
    EXPECT_EQ(file.render(), expected);
}

TEST(UnitFile, LeavesAValueThatIsRightAsItIsWritten) {
    const std::string_view text = "[A]\n K  =  v \\\n  w\n";
    UnitFile file = parsed(text);
    ASSERT_TRUE(file.set("A", "K", file.last("A", "K")));
    EXPECT_EQ(file.render(), text);
}

TEST(UnitFile, MakesARepeatedKeyStandOnce) {
    UnitFile file = parsed("[A]\nK=1\nL=2\nK=3\n[B]\nK=4\n[A]\nK=5\n");
    ASSERT_TRUE(file.set("A", "K", "6"));
    EXPECT_EQ(file.render(), "[A]\nK=6\nL=2\n[B]\nK=4\n[A]\n");
}

TEST(UnitFile, AddsBehindTheLastEntryOfTheSection) {
    UnitFile file = parsed("[A]\nK=1\n\n# about B\n[B]\nL=2\n");
    ASSERT_TRUE(file.add("A", "K", "2"));
    ASSERT_TRUE(file.add("C", "M", "3"));
    EXPECT_EQ(file.render(), "[A]\nK=1\nK=2\n\n# about B\n[B]\nL=2\n\n[C]\nM=3\n");
}

TEST(UnitFile, BuildsAFileFromNothing) {
    UnitFile file;
    ASSERT_TRUE(file.add("Unit", "Description", "Shop"));
    ASSERT_TRUE(file.add("Container", "Image", "nginx"));
    ASSERT_TRUE(file.add("Unit", "After", ""));
    EXPECT_EQ(file.render(), "[Unit]\nDescription=Shop\nAfter=\n\n[Container]\nImage=nginx\n");
    EXPECT_EQ(parsed(file.render()).entries().size(), 3U);
}

TEST(UnitFile, RemovesEveryEntryOfAKey) {
    UnitFile file = parsed("[A]\nK=1\n# stays\nK=2\nL=3\n");
    file.remove("A", "K");
    file.remove("A", "none");
    EXPECT_EQ(file.render(), "[A]\n# stays\nL=3\n");
}

TEST(UnitFile, PutsNothingOnALineThatIsNotEnded) {
    // Each of these ends without a line break, or where another line would be joined to it.
    const std::string_view texts[] = {
        "[A]\nK=1",          "[A]\nK=1\\",      "[A]\nK=1\\\n",  "[A]\nK=1\\\n# c",
        "[A]\nK=1\\\n# c\n", "[A]\nK=1\n# c\\", "[A]\nK=1\n \\", "[A]\\"};
    for (const std::string_view text : texts) {
        for (const std::string_view section : {"A", "B"}) {
            UnitFile file = parsed(text);
            const std::string before = file.last("A", "K");
            ASSERT_TRUE(file.add(section, "New", "2"));
            const UnitFile again = parsed(file.render());
            EXPECT_EQ(again.last("A", "K"), before) << text;
            EXPECT_EQ(again.last(section, "New"), "2") << text;
        }
    }
}

TEST(UnitFile, LetsNoValueSmuggleAnotherAssignmentIn) {
    UnitFile file = parsed("[A]\nK=1\n");
    const std::string_view values[] = {
        "a\nExecStartPre=/bin/evil", "a\r", " a", "a ", "a\\", "a\x01", "a\x7F", "\xFF"};
    for (const std::string_view value : values) {
        for (const Status& done : {file.add("A", "L", value), file.set("A", "K", value)}) {
            ASSERT_FALSE(done) << value;
            EXPECT_EQ(done.error().code, Code::InvalidArgument);
        }
    }
    EXPECT_FALSE(file.add("A]\n[B", "K", "v"));
    EXPECT_FALSE(file.add("", "K", "v"));
    for (const std::string_view key : {"", "K=1\nL", "a b", "#K", ";K", "[K", "K\\"}) {
        EXPECT_FALSE(file.add("A", key, "v")) << key;
    }
    EXPECT_FALSE(file.add("A", "K", std::string(UnitFile::kMaxLine, 'x')));
    EXPECT_EQ(file.render(), "[A]\nK=1\n");
}

TEST(UnitFile, TellsNoValueInAnError) {
    UnitFile file;
    const Status done = file.add("Container", "Environment", "PASSWORD=hunter2\n");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message.find("hunter2"), std::string::npos);
}

// Every text of a few characters that matter, short enough to try them all: what is read without
// an error is given back unchanged, and what is rendered after a change reads back as changed.
TEST(UnitFile, HoldsItsPromisesForEveryShortText) {
    constexpr std::string_view kAlphabet = "[]A=\\\n# ";
    std::string text;
    int sound = 0;
    const std::function<void(std::size_t)> extend = [&](std::size_t left) {
        const auto result = UnitFile::parse("[A]\n" + text);
        if (result.errors.empty()) {
            ++sound;
            ASSERT_EQ(result.file.render(), "[A]\n" + text);
            UnitFile changed = result.file;
            ASSERT_TRUE(changed.add("A", "New", "v"));
            const auto again = UnitFile::parse(changed.render());
            ASSERT_TRUE(again.errors.empty()) << text;
            ASSERT_EQ(again.file.entries().size(), result.file.entries().size() + 1) << text;
            ASSERT_EQ(again.file.last("A", "New"), "v") << text;
        }
        for (std::size_t i = 0; left > 0 && i < kAlphabet.size(); ++i) {
            text += kAlphabet[i];
            extend(left - 1);
            text.pop_back();
        }
    };
    extend(5);
    EXPECT_GT(sound, 1000);
}

}  // namespace
}  // namespace podreeve::quadlet
