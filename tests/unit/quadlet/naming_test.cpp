#include "quadlet/naming.h"

#include <gtest/gtest.h>

#include "tests/unit/quadlet/units.h"

namespace podreeve::quadlet {
namespace {

struct NameCase {
    std::string_view file_name;
    std::string_view text;
    std::string_view service;
    std::string_view resource;
};

TEST(Naming, IsThatOfQuadlet) {
    const NameCase cases[] = {
        {"foo.container", "", "foo.service", "systemd-foo"},
        {"foo.kube", "", "foo.service", ""},
        {"foo.pod", "", "foo-pod.service", "systemd-foo"},
        {"foo.volume", "", "foo-volume.service", "systemd-foo"},
        {"foo.network", "", "foo-network.service", "systemd-foo"},
        {"foo.image", "", "foo-image.service", ""},
        {"foo.build", "", "foo-build.service", ""},
        {"a.b.container", "", "a.b.service", "systemd-a.b"},
        {"foo@bar.container", "", "foo@bar.service", "systemd-foo_bar"},
        {"foo@bar.pod", "", "foo@bar-pod.service", "systemd-foo@bar"},
        {"foo.container", "[Container]\nContainerName=web\n", "foo.service", "web"},
        {"foo.container", "[Container]\nContainerName=web\nContainerName=\n", "foo.service",
         "systemd-foo"},
        {"foo.container", "[Container]\nContainerName=\"web\"\n", "foo.service", "web"},
        {"foo.container", "[Container]\nContainerName=%N-x%%\n", "foo.service", "foo-x%"},
        {"a-b@c.container", "[Container]\nContainerName=%p.%j.%i.%n\n", "a-b@c.service",
         "a-b.b.c.a-b@c.service"},
        {"foo.container", "[Container]\nServiceName=bar\n", "bar.service", "systemd-bar"},
        {"foo.pod", "[Pod]\nServiceName=bar\n", "bar.service", "systemd-foo"},
        {"foo.pod", "[Pod]\nPodName=front\n", "foo-pod.service", "front"},
        {"foo.volume", "[Volume]\nVolumeName=data\n", "foo-volume.service", "data"},
        {"foo.network", "[Network]\nNetworkName=lan\n", "foo-network.service", "lan"},
        {"foo.pod", "[Container]\nServiceName=other\n", "foo-pod.service", "systemd-foo"},
    };
    for (const NameCase& each : cases) {
        const Unit unit = unit_of(each.file_name, each.text);
        EXPECT_EQ(service_name(unit, kNewestRelease), each.service) << each.file_name << each.text;
        const auto resource = resource_name(unit, kNewestRelease);
        ASSERT_TRUE(resource) << each.file_name << ": " << resource.error().message;
        EXPECT_EQ(*resource, each.resource) << each.file_name << each.text;
    }
}

TEST(Naming, OfTemplatesCameWithPodman57) {
    constexpr PodmanRelease kBeforeTemplates{5, 4, 2};
    const std::pair<std::string_view, std::string_view> files[] = {
        {"foo@.pod", "foo@-pod.service"},
        {"foo@.volume", "foo@-volume.service"},
        {"foo@.network", "foo@-network.service"}};
    for (const auto& [file, old_name] : files) {
        const Unit unit = unit_of(file, "");
        EXPECT_EQ(service_name(unit, kBeforeTemplates), old_name);
        const std::string_view type = extension(unit.type()).substr(1);
        EXPECT_EQ(service_name(unit, kNewestRelease), "foo-" + std::string(type) + "@.service");
    }
    EXPECT_EQ(service_name(unit_of("foo@.container", ""), kBeforeTemplates), "foo@.service");
    const Unit volume = unit_of("foo@.volume", "");
    EXPECT_EQ(name_in_references(volume, kBeforeTemplates), "systemd-foo@");
    EXPECT_EQ(name_in_references(volume, kNewestRelease), "systemd-foo-%i");
}

TEST(Naming, OfATemplateLeavesTheInstanceOpen) {
    const auto resource = resource_name(unit_of("foo@.container", ""), kNewestRelease);
    ASSERT_FALSE(resource);
    EXPECT_EQ(resource.error().code, Code::Unsupported);
    EXPECT_EQ(resource_name(unit_of("foo@.kube", ""), kNewestRelease).value(), "");
}

TEST(Naming, ThatOnlySystemdCanTellIsSaidToBeSo) {
    for (const std::string_view name : {"web-%H", "web%"}) {
        const Unit unit =
            unit_of("foo.container", "[Container]\nContainerName=" + std::string(name) + "\n");
        const auto resource = resource_name(unit, kNewestRelease);
        ASSERT_FALSE(resource);
        EXPECT_EQ(resource.error().code, Code::Unsupported);
        EXPECT_EQ(name_in_references(unit, kNewestRelease), "");
    }
}

TEST(Naming, GivesImagesByTheirTags) {
    EXPECT_EQ(name_in_references(unit_of("a.image", "[Image]\nImage=x/y\n"), kNewestRelease),
              "x/y");
    EXPECT_EQ(
        name_in_references(unit_of("a.image", "[Image]\nImage=x/y\nImageTag=z\n"), kNewestRelease),
        "z");
    EXPECT_EQ(
        name_in_references(unit_of("a.build", "[Build]\nImageTag=1\nImageTag=2\n"), kNewestRelease),
        "1");
    EXPECT_EQ(name_in_references(unit_of("a.build", "[Build]\n"), kNewestRelease), "");
}

}  // namespace
}  // namespace podreeve::quadlet
