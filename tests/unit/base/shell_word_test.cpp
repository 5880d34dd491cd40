#include "runtime/base/shell_word.h"

#include <gtest/gtest.h>

namespace podreeve {
namespace {

TEST(ShellWord, IsOneWordWhateverThePathHolds) {
    const struct {
        const char* path;
        const char* word;
    } kRows[] = {
        {"/srv/apps/web.yaml", "/srv/apps/web.yaml"},
        {"/srv/my apps", R"("/srv/my apps")"},
        {"/srv/a;b|c&d", R"("/srv/a;b|c&d")"},
        {R"(/srv/"$(id)`id`\x)", R"("/srv/\"\$(id)\`id\`\\x")"},
        {"/srv/a'b", R"("/srv/a'b")"},
        {"", R"("")"},
    };

    for (const auto& row : kRows) {
        EXPECT_EQ(shell_word(row.path), row.word);
        EXPECT_TRUE(is_nameable(row.path));
    }
    EXPECT_FALSE(is_nameable("/srv/a\nb"));
    EXPECT_FALSE(is_nameable("/srv/a\xff"));
}

}  // namespace
}  // namespace podreeve
