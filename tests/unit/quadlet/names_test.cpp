#include "quadlet/names.h"

#include <gtest/gtest.h>

namespace podreeve::quadlet {
namespace {

UnitFile file_of(std::string_view text) {
    UnitFile::Parsed result = UnitFile::parse(text);
    EXPECT_TRUE(result.errors.empty());
    return result.file;
}

struct NameCase {
    std::string_view file_name;
    std::string_view text;
    std::string_view service;
    std::string_view resource;
};

TEST(Names, AreThoseQuadletGives) {
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
        {"foo@bar.pod", "", "foo-pod@bar.service", "systemd-foo@bar"},
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
        const UnitFile file = file_of(each.text);
        const auto service = service_name(each.file_name, file);
        ASSERT_TRUE(service) << each.file_name << ": " << service.error().message;
        EXPECT_EQ(*service, each.service) << each.file_name << each.text;
        const auto resource = resource_name(each.file_name, file);
        ASSERT_TRUE(resource) << each.file_name << ": " << resource.error().message;
        EXPECT_EQ(*resource, each.resource) << each.file_name << each.text;
    }
}

TEST(Names, OfATemplateLeaveTheInstanceOpen) {
    const UnitFile none;
    EXPECT_EQ(service_name("foo@.container", none).value(), "foo@.service");
    EXPECT_EQ(service_name("foo@.pod", none).value(), "foo-pod@.service");
    EXPECT_EQ(service_name("foo@.volume", none).value(), "foo-volume@.service");
    const auto resource = resource_name("foo@.container", none);
    ASSERT_FALSE(resource);
    EXPECT_EQ(resource.error().code, Code::Unsupported);
}

TEST(Names, ThatOnlySystemdCanTellAreSaidToBeSo) {
    const auto resource =
        resource_name("foo.container", file_of("[Container]\nContainerName=web-%H\n"));
    ASSERT_FALSE(resource);
    EXPECT_EQ(resource.error().code, Code::Unsupported);
    const auto service = service_name("foo.container", file_of("[Container]\nServiceName=%p-x\n"));
    ASSERT_FALSE(service);
    EXPECT_EQ(service.error().code, Code::Unsupported);
    const auto cut = resource_name("foo.container", file_of("[Container]\nContainerName=web%\n"));
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, Code::Unsupported);
}

TEST(Names, OfFilesAreTakenApart) {
    EXPECT_EQ(parse_unit_name("foo.container").value(),
              (UnitName{UnitType::Container, "foo", false, ""}));
    EXPECT_EQ(parse_unit_name("foo@.network").value(),
              (UnitName{UnitType::Network, "foo", true, ""}));
    EXPECT_EQ(parse_unit_name("foo@a@b.pod").value(),
              (UnitName{UnitType::Pod, "foo", true, "a@b"}));
}

TEST(Names, ThatSystemdWouldNotTakeAreRefused) {
    const std::string long_name(250, 'x');
    for (const std::string& name :
         {std::string("foo.service"), std::string("foo"), std::string(".container"),
          std::string("@x.container"), std::string("a b.container"), std::string("a/b.container"),
          std::string("\xC3\xA4.container"), std::string("a$.container"), std::string(""),
          std::string("foo.container~"), long_name + ".container"}) {
        const auto parsed = parse_unit_name(name);
        ASSERT_FALSE(parsed) << name;
        EXPECT_EQ(parsed.error().code, Code::InvalidArgument);
    }
}

TEST(Names, KnowEveryTypeByItsExtension) {
    const std::pair<std::string_view, UnitType> rows[] = {
        {".container", UnitType::Container}, {".pod", UnitType::Pod},
        {".kube", UnitType::Kube},           {".volume", UnitType::Volume},
        {".network", UnitType::Network},     {".image", UnitType::Image},
        {".build", UnitType::Build}};
    for (const auto& [ending, type] : rows) {
        EXPECT_EQ(unit_type_of("x" + std::string(ending)), type);
        EXPECT_EQ(extension(type), ending);
        EXPECT_EQ(std::string(section_name(type)).size(), ending.size() - 1);
    }
    EXPECT_FALSE(unit_type_of("x.yaml"));
    EXPECT_FALSE(unit_type_of(".container"));
}

}  // namespace
}  // namespace podreeve::quadlet
