#include "quadlet/names.h"

#include <gtest/gtest.h>

namespace podreeve::quadlet {
namespace {

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

TEST(Names, OfTemplatesTakeAnInstance) {
    EXPECT_EQ(instance_of("web@.container", "one").value(), "web@one.container");
    EXPECT_EQ(instance_of("web-pod@.service", "a@b").value(), "web-pod@a@b.service");
    EXPECT_EQ(instance_of("a.b@.service", "x.y").value(), "a.b@x.y.service");
    const std::pair<std::string, std::string> cases[] = {
        {"web.container", "one"},  {"web@one.container", "two"},
        {"@.container", "one"},    {"web@.container", ""},
        {"web@.container", "a/b"}, {"web@.container", std::string(250, 'x')}};
    for (const auto& [name, instance] : cases) {
        const auto made = instance_of(name, instance);
        ASSERT_FALSE(made) << name << instance;
        EXPECT_EQ(made.error().code, Code::InvalidArgument);
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
