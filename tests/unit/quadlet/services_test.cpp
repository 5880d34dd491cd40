#include "quadlet/services.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/quadlet/units.h"

namespace podreeve::quadlet {
namespace {

using Words = std::vector<std::string>;

const Words& command_of(const Service& service, std::string_view key) {
    static const Words none;
    for (const ServiceCommand& each : service.commands) {
        if (each.key == key) {
            return each.arguments;
        }
    }
    return none;
}

TEST(Services, RewriteTheirReferencesToOtherUnits) {
    const Services made =
        services_of({{"web.container",
                      "[Unit]\nAfter=db.container other.service\n[Container]\nImage=base.image\n"
                      "Volume=data.volume:/d:ro\nNetwork=lan.network:ip=10.0.0.2\nPod=shop.pod\n"
                      "Mount=type=volume,source=data.volume,destination=/m\n"
                      "[Install]\nWantedBy=default.target\n"},
                     {"db.container", "[Container]\nImage=localhost/db\n"},
                     {"base.image", "[Image]\nImage=localhost/base\n"},
                     {"data.volume", "[Volume]\nVolumeName=kept\n"},
                     {"lan.network", "[Network]\nServiceName=lan\n"},
                     {"shop.pod", "[Pod]\n"}});
    ASSERT_EQ(text_of(made.problems), "");
    ASSERT_EQ(made.services.size(), 6U);
    const Service& web = *find_service(made.services, "web.container");
    EXPECT_EQ(&web, find_service(made.services, "web.service"));
    EXPECT_EQ(web.resource, "systemd-web");
    EXPECT_EQ(web.uses,
              (Words{"db.container", "lan.network", "data.volume", "shop.pod", "base.image"}));
    EXPECT_EQ(
        web.dependencies.at("After"),
        (Words{"podman-user-wait-network-online.service", "db.service", "other.service",
               "lan.service", "data-volume.service", "shop-pod.service", "base-image.service"}));
    EXPECT_EQ(web.dependencies.at("Requires"),
              (Words{"lan.service", "data-volume.service", "base-image.service"}));
    EXPECT_EQ(web.dependencies.at("BindsTo"), (Words{"shop-pod.service"}));
    EXPECT_EQ(web.wanted_by, (Words{"default.target"}));
    EXPECT_FALSE(web.one_shot);
    EXPECT_EQ(web.image, "localhost/base");
    EXPECT_EQ(find_service(made.services, "base-image.service")->image, "localhost/base");
    EXPECT_EQ(command_of(web, "ExecStart"),
              (Words{"run", "--name", "systemd-%N", "--replace", "--rm", "--cgroups=split",
                     "--network", "systemd-lan:ip=10.0.0.2", "--sdnotify=conmon", "-d", "-v",
                     "kept:/d:ro", "--mount", "type=volume,source=kept,destination=/m", "--pod",
                     "systemd-shop", "localhost/base"}));
    const Service& pod = *find_service(made.services, "shop.pod");
    EXPECT_EQ(pod.dependencies.at("Before"), (Words{"web.service"}));
    EXPECT_TRUE(find_service(made.services, "data.volume")->one_shot);
    EXPECT_EQ(find_service(made.services, "none.volume"), nullptr);
}

TEST(Services, OfTemplatesNameTheirDefaultInstance) {
    const Services made = services_of(
        {{"web@.container",
          "[Container]\nImage=a\n[Install]\nWantedBy=x.target\nDefaultInstance=1\n"},
         {"made.build", "[Build]\nImageTag=m:1\nImageTag=m:2\nSetWorkingDirectory=unit\n"}});
    ASSERT_EQ(made.services.size(), 2U);
    EXPECT_EQ(made.services[0].name, "web@.service");
    EXPECT_EQ(made.services[0].default_instance, "1");
    EXPECT_EQ(made.services[0].resource, "");
    EXPECT_EQ(made.services[1].image, "m:1");
}

TEST(Services, DifferByTheReleaseOfPodman) {
    const auto make = [](const PodmanRelease& podman) {
        return services_of({{"web.container", "[Container]\nImage=a\nPod=shop.pod\n"},
                            {"shop.pod", "[Pod]\n"}},
                           podman)
            .services;
    };
    const auto old = make({5, 4, 2});
    EXPECT_EQ(command_of(old[0], "ExecStop"),
              (Words{"rm", "-v", "-f", "-i", "--cidfile=%t/%N.cid"}));
    EXPECT_EQ(command_of(old[1], "ExecStart"),
              (Words{"pod", "start", "--pod-id-file=%t/%N.pod-id"}));
    const auto recent = make(kNewestRelease);
    EXPECT_EQ(command_of(recent[0], "ExecStop"), (Words{"rm", "-v", "-f", "-i", "systemd-%N"}));
    EXPECT_EQ(command_of(recent[1], "ExecStart"), (Words{"pod", "start", "systemd-shop"}));
}

TEST(Services, AreNotMadeOfUnitsWithErrorsOrWithoutWhatTheyName) {
    const Services made =
        services_of({{"a.container", "[Container]\nImage=a\nImge=b\n"},
                     {"b.container", "[Container]\nImage=b\nVolume=dta.volume:/d\n"},
                     {"c.container", "[Container]\nImage=c\nNetwork=a.container\n"},
                     {"data.volume", "[Volume]\n"}});
    ASSERT_EQ(made.services.size(), 1U);
    EXPECT_EQ(made.services[0].file_name, "data.volume");
    const std::string said = text_of(made.problems);
    EXPECT_NE(
        said.find("b.container:3:8: [Container] Volume: there is no unit 'dta.volume'; did you "
                  "mean 'data.volume'?\n"),
        std::string::npos)
        << said;
    EXPECT_NE(said.find("c.container:3:9: [Container] Network: there is no unit 'a.container'"),
              std::string::npos)
        << said;
}

TEST(Services, OfOneNameAreAnErrorOnTheLater) {
    const Services made = services_of({{"web.container", "[Container]\nImage=a\n"},
                                       {"web.kube", "[Kube]\nYaml=a.yaml\n"},
                                       {"web.container", "[Container]\nImage=b\n"}});
    EXPECT_EQ(made.services.size(), 1U);
    EXPECT_EQ(text_of(made.problems),
              "web.kube: its service would be web.service, as that of /q/web.container\n"
              "web.container: there is another 'web.container'\n");
}

TEST(Services, OfTheSystemWaitForItsNetwork) {
    Target target;
    target.user = false;
    const std::vector<Unit> units = {
        unit_of("a.container", "[Container]\nImage=a\n"),
        unit_of("b.container", "[Quadlet]\nDefaultDependencies=no\n[Container]\nImage=a\n"),
        unit_of("c.container", "[Unit]\nAfter=\n[Container]\nImage=a\n")};
    const auto services = make_services(units, target).services;
    ASSERT_EQ(services.size(), 3U);
    EXPECT_EQ(services[0].dependencies.at("After"), (Words{"network-online.target"}));
    EXPECT_EQ(services[1].dependencies.count("After"), 0U);
    EXPECT_EQ(services[2].dependencies.count("After"), 0U);
    EXPECT_EQ(services[2].dependencies.at("Wants"), (Words{"network-online.target"}));
}

TEST(Services, AddADeviceWithADashOnlyWhereItIs) {
    const std::vector<Unit> units = {
        unit_of("a.container", "[Container]\nImage=a\nAddDevice=-/dev/a:/dev/b -/dev/c /dev/d\n")};
    Target target;
    target.exists = [](const std::string& path) { return path == "/dev/a"; };
    const auto services = make_services(units, target).services;
    ASSERT_EQ(services.size(), 1U);
    const Words& command = command_of(services[0], "ExecStart");
    EXPECT_EQ(std::count(command.begin(), command.end(), "--device"), 2);
    EXPECT_NE(std::find(command.begin(), command.end(), "/dev/a:/dev/b"), command.end());
    EXPECT_EQ(std::find(command.begin(), command.end(), "/dev/c"), command.end());
}

TEST(Services, KnowEveryPathFromTheFolderOfTheirUnit) {
    const Services made = services_of(
        {{"a.container", "[Container]\nImage=a\nVolume=./x/../y:/y\nEnvironmentFile=e %h/f\n"},
         {"b.kube", "[Kube]\nYaml=../b.yaml\n"}});
    ASSERT_EQ(made.services.size(), 2U);
    EXPECT_EQ(made.services[0].dependencies.at("RequiresMountsFor"),
              (Words{"%t/containers", "/q/y"}));
    const Words& command = command_of(made.services[0], "ExecStart");
    for (const std::string_view word : {"/q/y:/y", "/q/e", "%h/f"}) {
        EXPECT_NE(std::find(command.begin(), command.end(), word), command.end()) << word;
    }
    EXPECT_EQ(command_of(made.services[1], "ExecStart").back(), "/b.yaml");
}

}  // namespace
}  // namespace podreeve::quadlet
