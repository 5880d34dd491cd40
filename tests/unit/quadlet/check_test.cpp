#include "quadlet/check.h"

#include <gtest/gtest.h>

#include "tests/unit/quadlet/units.h"

namespace podreeve::quadlet {
namespace {

constexpr PodmanRelease kOld{5, 4, 2};

std::string said_of(std::string_view file,
                    std::string_view text,
                    const PodmanRelease& podman = kNewestRelease) {
    return text_of(check(unit_of(file, text), podman));
}

TEST(Check, TellsAllErrorsOfAUnitWithWhatIsAllowedAndMeant) {
    const std::string said = said_of("web.container",
                                     "[Contaner]\nA=b\n"
                                     "[Container]\nImge=x\n  ReadOnly = perhaps\n"
                                     "[Quadlet]\nDefaultDependencis=no\n"
                                     "[Install]\nWantdBy=default.target\n"
                                     "[X-Mine]\nAnything=goes\n"
                                     "[Service]\nType=simple\nUser=me\n");
    EXPECT_NE(
        said.find("web.container:2:1: [Contaner]: unknown section; systemd would skip it; allowed: "
                  "Container, Unit, Service, Install, Quadlet, X-…; did you mean 'Container'?\n"),
        std::string::npos)
        << said;
    EXPECT_NE(
        said.find("web.container:4:1: [Container] Imge: unknown key; allowed: AddCapability, "),
        std::string::npos)
        << said;
    for (const std::string_view part :
         {"; did you mean 'Image'?\n",
          "web.container:5:14: [Container] ReadOnly: 'perhaps' is none of its words; allowed: "
          "true, ",
          "web.container:7:1: [Quadlet] DefaultDependencis: unknown key; allowed: "
          "DefaultDependencies; did you mean 'DefaultDependencies'?\n",
          "web.container:9:1: warning: [Install] WantdBy: Quadlet does nothing with this key; ",
          "; did you mean 'WantedBy'?\n",
          "web.container:13:6: [Service] Type: 'simple' does not go with Quadlet; allowed: notify, "
          "oneshot\n",
          "web.container:14:1: warning: [Service] User: podman cannot run under it",
          "web.container: [Container] Image: has to be set, or Rootfs=\n"}) {
        EXPECT_NE(said.find(part), std::string::npos) << part << "\n--- in\n" << said;
    }
    EXPECT_EQ(said.find("Anything"), std::string::npos);
}

TEST(Check, RefusesWhatSystemdAndPodmanWouldRefuse) {
    struct Row {
        const char* text;
        const char* reported;
    };

    const Row rows[] = {
        {"[Container]\nImage=a\nContainerName=a b\n", "'a b' is no name for podman"},
        {"[Container]\nImage=a\nContainerName=-a\n", "'-a' is no name for podman"},
        {"[Container]\nImage=a\nContainerName=a-%i\n", ""},
        {"[Container]\nImage=a\nContainerName=a_1.b-2\n", ""},
        {"[Container]\nImage=a\n[Service]\nType=oneshot\nRestart=always\n",
         "systemd does not take 'always' with Type=oneshot"},
        {"[Container]\nImage=a\n[Service]\nType=oneshot\nRestart=on-failure\n", ""},
        {"[Container]\nImage=a\n[Service]\nRestart=always\n", ""},
    };
    for (const Row& row : rows) {
        std::string said;
        for (const Diagnostic& each :
             problems_of(Unit::read({"/q/web.container", row.text}), kNewestRelease)) {
            said += each.message;
        }
        EXPECT_EQ(said, row.reported) << row.text;
    }
}

TEST(Check, TellsTheOtherErrorsOfAFileWithSyntaxErrors) {
    const auto read =
        Unit::read({"/q/web.container", "[Unit\nA=b\n[Container]\nImage\nPul=x\n"},
                   {{"/q/container.d/x.conf", "[Container]\nReadOnly=perhaps\noops\n"}});
    ASSERT_FALSE(read.unit);
    std::string said;
    for (const Diagnostic& each : problems_of(read, kNewestRelease)) {
        said += each.position.file.substr(3) + ":" + std::to_string(each.position.line) + " " +
                each.message + "\n";
    }
    EXPECT_EQ(said,
              "web.container:1 this is not a section header; write it as [Name]\n"
              "web.container:4 this is not a section, an assignment or a comment; a line that goes "
              "on ends with a backslash\n"
              "web.container:5 unknown key\n"
              "container.d/x.conf:2 'perhaps' is none of its words\n"
              "container.d/x.conf:3 this is not a section, an assignment or a comment; a line that "
              "goes on ends with a backslash\n");
    EXPECT_EQ(problems_of(Unit::read({"/q/web.container", "[Container]\nImage=a\n"}), kOld).size(),
              0U);
    EXPECT_EQ(problems_of(Unit::read({"/q/web.service", "[Container\n"}), kOld).size(), 2U);
}

TEST(Check, LeavesKeysOfAPodmanThatIsNewerThanItselfToTheGenerator) {
    EXPECT_EQ(
        said_of("a.image", "[Image]\nImage=a\nPolcy=always\n", {6, 1, 0}),
        "a.image:3:1: warning: [Image] Polcy: unknown to podreeve, which knows podman up to 5.8; "
        "allowed: AllTags, Arch, AuthFile, CertDir, ContainersConfModule, Creds, DecryptionKey, "
        "GlobalArgs, Image, ImageTag, OS, PodmanArgs, Policy, Retry, RetryDelay, ServiceName, "
        "TLSVerify, Variant; did you mean 'Policy'?\n");
}

TEST(Check, TellsNoMoreThanAPersonWouldRead) {
    std::string text = "[Container]\n";
    for (int i = 0; i < 4000; ++i) {
        text += "Imge=x\nVolume=no.volume:/x\n";
    }
    EXPECT_EQ(check(unit_of("a.container", text), kNewestRelease).size(), UnitFile::kMaxErrors);
    std::string lonely = "[Container]\nImage=a\n";
    for (int i = 0; i < 4000; ++i) {
        lonely += "Volume=no.volume:/x\n";
    }
    EXPECT_LE(services_of({{"a.container", lonely}}).problems.size(), UnitFile::kMaxErrors);
}

TEST(Check, BlamesTheDropInThatIsWrong) {
    const auto read = Unit::read({"/q/web.container", "[Container]\nImage=a\n"},
                                 {{"/q/container.d/x.conf", "[Container]\n\nPull=sometime\n"}});
    ASSERT_TRUE(read.unit);
    EXPECT_EQ(text_of(check(*read.unit, kNewestRelease)),
              "container.d/x.conf:3:6: [Container] Pull: 'sometime' is none of its words; allowed: "
              "always, missing, never, newer\n");
}

TEST(Check, TellsWhichPodmanAKeyNeeds) {
    const std::string_view text = "[Container]\nImage=a\nMemory=1g\nAppArmor=x\n";
    EXPECT_EQ(said_of("web.container", text), "");
    EXPECT_EQ(said_of("web.container", text, kOld),
              "web.container:3:1: [Container] Memory: needs podman 5.5; here is 5.4.2\n"
              "web.container:4:1: [Container] AppArmor: needs podman 5.8; here is 5.4.2\n");
    EXPECT_EQ(said_of("web.pod", "[Pod]\n", {4, 9, 0}),
              "web.pod: a .pod file needs podman 5.0; here is 4.9\n");
    EXPECT_EQ(
        said_of("web.container", "[Container]\nImage=a\nEnvironment=HOME\n", kOld),
        "web.container:3:13: [Container] Environment: a name without a value needs podman 5.6; "
        "here is 5.4.2\n");
    EXPECT_EQ(
        said_of("web.container", "[Unit]\nAfter=db.container\n[Container]\nImage=a\n", kOld),
        "web.container:2:7: [Unit] After: 'db.container' as a dependency needs podman 5.5; here "
        "is 5.4.2; name its service\n");
}

struct Combination {
    std::string_view file;
    std::string_view text;
    std::string_view said;
};

TEST(Check, KnowsWhatExcludesAndNeedsWhat) {
    const Combination cases[] = {
        {"a.container", "[Container]\nImage=a\nRootfs=/r\n",
         "a.container:3:8: [Container] Rootfs: does not go with Image=\n"},
        {"a.container", "[Container]\nImage=a\nGroup=1\n",
         "a.container:3:7: [Container] Group: needs User=\n"},
        {"a.container", "[Container]\nImage=a\nReloadCmd=x\nReloadSignal=HUP\n",
         "a.container:4:14: [Container] ReloadSignal: does not go with ReloadCmd=\n"},
        {"a.container", "[Container]\nImage=a\nPod=front\n",
         "a.container:3:5: [Container] Pod: 'front' is not a Quadlet unit; allowed: NAME.pod\n"},
        {"a.container", "[Container]\nImage=a\nServiceName=b.service\n",
         "a.container:3:13: [Container] ServiceName: 'b.service' cannot name a service; allowed: a "
         "name without .service, specifiers and slashes\n"},
        {"a.container", "[Container]\nImage=a\nMount=type=bind,destination=/x\n",
         "a.container:3:7: [Container] Mount: a mount of type bind needs source=\n"},
        {"a.container",
         "[Container]\nImage=a\nMount=type=artifact,source=a.artifact,destination=/x\n",
         "a.container:3:7: [Container] Mount: podreeve knows no .artifact units\n"},
        {"a.container", "[Container]\nImage=a\nDNS=\"1.1.1.1\"\n",
         "a.container:3:5: warning: [Container] DNS: Quadlet takes the quotes as a part of the "
         "value\n"},
        {"a.container", "[Container]\nImage=a\nVolatileTmp=yes\n",
         "a.container:3:1: warning: [Container] VolatileTmp: deprecated; write Tmpfs=/tmp\n"},
        {"a.kube", "[Kube]\n", "a.kube: [Kube] Yaml: has to be set\n"},
        {"a.kube", "[Kube]\nYaml=a b\nSetWorkingDirectory=yaml\n",
         "a.kube:3:21: [Kube] SetWorkingDirectory: does not go with several files in Yaml=\n"},
        {"a.volume", "[Volume]\nType=tmpfs\n", "a.volume:2:6: [Volume] Type: needs Device=\n"},
        {"a.volume", "[Volume]\nDriver=image\n", "a.volume: [Volume] Image: has to be set\n"},
        {"a.network", "[Network]\nGateway=10.0.0.1\n",
         "a.network:2:9: [Network] Gateway: needs a Subnet= each\n"},
        {"a.image", "[Image]\n", "a.image: [Image] Image: has to be set\n"},
        {"a.build", "[Build]\nImageTag=a\nFile=ctx/Containerfile\n",
         "a.build:3:6: [Build] File: a relative path needs SetWorkingDirectory=\n"},
        {"a.build", "[Build]\nImageTag=a\n",
         "a.build: [Build] SetWorkingDirectory: has to be set, or File=\n"},
        {"a.pod", "[Pod]\nUserNS=auto\nRemapUsers=auto\n",
         "a.pod:3:1: warning: [Pod] RemapUsers: deprecated; write UserNS=\n"
         "a.pod:3:12: [Pod] RemapUsers: the deprecated Remap keys do not go with UserNS=, UIDMap= "
         "and "
         "the like\n"},
        {"a.pod", "", ""},
    };
    for (const Combination& each : cases) {
        EXPECT_EQ(said_of(each.file, each.text), each.said) << each.text;
    }
}

}  // namespace
}  // namespace podreeve::quadlet
