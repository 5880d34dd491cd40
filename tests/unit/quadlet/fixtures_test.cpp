// What tests/e2e/quadlet holds against the generator, as far as it shows without one.

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "quadlet/check.h"
#include "quadlet/keys.h"
#include "quadlet/stamp.h"
#include "tests/unit/quadlet/units.h"

namespace podreeve::quadlet {
namespace {

struct Fixture {
    std::string folder;
    std::string name;
    std::string text;
};

std::vector<Fixture> fixtures() {
    std::vector<Fixture> all;
    const std::filesystem::path root = PODREEVE_SOURCE_DIR "/tests/fixtures/quadlet";
    for (const auto& each : std::filesystem::recursive_directory_iterator(root)) {
        if (each.is_regular_file()) {
            std::ostringstream text;
            text << std::ifstream(each.path()).rdbuf();
            all.push_back(
                {each.path().parent_path().filename(), each.path().filename(), text.str()});
        }
    }
    return all;
}

TEST(Fixtures, AreGivenBackByteByByteAndTakeAStamp) {
    const auto all = fixtures();
    EXPECT_GT(all.size(), 100U);
    for (const Fixture& each : all) {
        const UnitFile::Parsed parsed = UnitFile::parse(each.text);
        EXPECT_TRUE(parsed.errors.empty()) << each.name;
        EXPECT_EQ(parsed.file.render(), each.text) << each.name;
        if (is_untouched(each.text)) {
            continue;
        }
        const auto text = stamped(each.text, "shop", 1);
        ASSERT_TRUE(text) << each.name;
        EXPECT_NE(text->find(each.text), std::string::npos) << each.name;
        EXPECT_TRUE(is_untouched(*text)) << each.name;
    }
}

TEST(Fixtures, ThatAreStampedAreUntouched) {
    int stamped_ones = 0;
    for (const Fixture& each : fixtures()) {
        const bool ours = each.text.find("[X-Podreeve]") != std::string::npos;
        EXPECT_EQ(is_untouched(each.text), ours) << each.name;
        stamped_ones += ours ? 1 : 0;
    }
    EXPECT_EQ(stamped_ones, 3);
}

TEST(Fixtures, HaveErrorsInTheFoldersOfWrongOnesAlone) {
    for (const Fixture& each : fixtures()) {
        if (!unit_type_of(each.name)) {
            continue;
        }
        const auto problems = check(unit_of(each.name, each.text), kNewestRelease);
        const bool wrong = each.folder == "refused" || each.folder == "stricter";
        // What these name is missed by make_services(), which knows the other units.
        const bool lonely = each.name.starts_with("no-such");
        EXPECT_EQ(has_errors(problems), wrong && !lonely) << each.name << text_of(problems);
    }
}

TEST(Fixtures, UseEveryKeyOfEveryType) {
    std::set<std::pair<UnitType, std::string>> used;
    for (const Fixture& each : fixtures()) {
        const auto type = unit_type_of(each.name);
        if (!type || each.folder == "refused" || each.folder == "stricter") {
            continue;
        }
        for (const Entry& entry : UnitFile::parse(each.text).file.entries()) {
            if (entry.section == section_name(*type)) {
                used.emplace(*type, entry.key);
            }
        }
    }
    for (const UnitType type :
         {UnitType::Container, UnitType::Pod, UnitType::Kube, UnitType::Volume, UnitType::Network,
          UnitType::Image, UnitType::Build}) {
        for (const Key& key : keys_of(type)) {
            const bool counts = key.deprecated.empty() || type == UnitType::Container;
            EXPECT_TRUE(!counts || used.contains({type, std::string(key.name)}))
                << section_name(type) << ": " << key.name;
        }
    }
}

}  // namespace
}  // namespace podreeve::quadlet
