#include "quadlet/drop_ins.h"

#include <gtest/gtest.h>

namespace podreeve::quadlet {
namespace {

using Names = std::vector<std::string>;

TEST(DropIns, LieInFoldersFromTheMostParticularToThatOfTheType) {
    const std::pair<std::string_view, Names> cases[] = {
        {"web.container", {"web.container.d", "container.d"}},
        {"a-b-c.pod", {"a-b-c.pod.d", "a-b-.pod.d", "a-.pod.d", "pod.d"}},
        {"web@.container", {"web@.container.d", "container.d"}},
        {"web@one.volume", {"web@one.volume.d", "web@.volume.d", "volume.d"}},
        {"a-b@c-d.container",
         {"a-b@c-d.container.d", "a-b@.container.d", "a-@.container.d", "a-.container.d",
          "container.d"}},
        {"a-.container", {"a-.container.d", "container.d"}},
        {"noending", {}},
    };
    for (const auto& [file, folders] : cases) {
        EXPECT_EQ(drop_in_folders(file), folders) << file;
    }
}

TEST(DropIns, OfOneNameCountOnceAndInTheMostParticularFolder) {
    const std::vector<FoundDropIn> found = {
        {"container.d", "50-a.conf", "/etc/container.d/50-a.conf"},
        {"web.container.d", "50-a.conf", "/run/web.container.d/50-a.conf"},
        {"web.container.d", "50-a.conf", "/etc/web.container.d/50-a.conf"},
        {"container.d", "10-b.conf", "/etc/container.d/10-b.conf"},
        {"web.container.d", "90-c.txt", "/run/web.container.d/90-c.txt"},
        {"other.container.d", "20-d.conf", "/run/other.container.d/20-d.conf"},
    };
    const auto counted = effective_drop_ins("web.container", found);
    EXPECT_EQ(counted, (std::vector<FoundDropIn>{found[3], found[1]}));
}

}  // namespace
}  // namespace podreeve::quadlet
