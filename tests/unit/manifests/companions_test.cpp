#include "manifests/companions.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "manifests/validate.h"
#include "runtime/base/utf8.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/manifests/compiling.h"

namespace podreeve::manifests {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

const std::string kHead = "app:\n  id: shop\n  name: Shop\n  version: 1\n";
const std::string kProxy = "[Container]\nImage=localhost/proxy\n";

Words reported(const std::vector<Diagnostic>& diagnostics) {
    Words out;
    for (const Diagnostic& diagnostic : diagnostics) {
        out.push_back(to_text(diagnostic));
    }
    return out;
}

TEST(Companions, AreReadFromAManifestInlineAndByFile) {
    const std::string text =
        kHead +
        "  companions:\n"
        "    - name: proxy.container\n"
        "      restart: on-next-start\n"
        "      depends_on: [{companion: lan.network}, {app: db, is: healthy}]\n"
        "      text: |\n"
        "        [Container]\n"
        "        Image=localhost/proxy\n"
        "        Network=lan.network\n"
        "    - units/lan.network\n"
        "    - file: units/job@.container\n"
        "      instances: [b, a]\n";
    const Compiled compiled =
        compile({"/m/shop.yaml",
                 text,
                 {},
                 {{"/m/units/lan.network", "[Network]\n", {{"/m/units/lan.network.d/1.conf", "#"}}},
                  {"/m/units/job@.container", kProxy, {}}}});
    ASSERT_EQ(reported(compiled.diagnostics), Words{});
    const AppSpec& app = *compiled.app;
    EXPECT_TRUE(app.containers.empty());
    EXPECT_TRUE(app.networks.empty());
    ASSERT_EQ(app.companions.size(), 3U);
    EXPECT_EQ(app.companions[0].part, "job@.container");
    EXPECT_EQ(app.companions[0].instances, (Words{"a", "b"}));
    EXPECT_EQ(app.companions[1].part, "lan.network");
    EXPECT_EQ(app.companions[1].drop_ins, (std::vector<UnitDropIn>{{"1.conf", "#"}}));
    const CompanionSpec& proxy = app.companions[2];
    EXPECT_EQ(proxy.text, "[Container]\nImage=localhost/proxy\nNetwork=lan.network\n");
    EXPECT_EQ(proxy.restart, UnitRestart::OnNextStart);
    ASSERT_EQ(proxy.depends_on.size(), 2U);
    EXPECT_EQ(proxy.depends_on[0].app, "shop");
    EXPECT_EQ(proxy.depends_on[0].companion, "lan.network");
    EXPECT_EQ(proxy.depends_on[1].is, DependencyKind::Healthy);
    EXPECT_EQ(named_units("/m/shop.yaml", text, {}).size(), 2U);
    EXPECT_EQ(validate_together({{"shop", compiled.app}}, {"db"}).size(), 0U);
}

struct Wrong {
    const char* item;  // of companions, indented by four
    const char* reported;
};

TEST(Companions, SayWhatIsWrongAndWhere) {
    const Wrong rows[] = {
        {"    - name: a.container\n      text: |\n        [Container]\n        Image=a\n        "
         "Imge=x\n",
         "web.yaml:10:9: app.companions[0].text: [Container] Imge: unknown key"},
        {"    - name: a.container\n      text: |\n        [Container]\n          junk\n",
         "web.yaml:9:11: app.companions[0].text: "},
        {"    - name: a.container\n      text: \"[Container]\\nImage=a\\nImge=x\"\n",
         "web.yaml:7:13: app.companions[0].text: [Container] Imge: unknown key"},
        {"    - name: a.container\n      text: |\n        [Container]\n        Image=a\n"
         "        [X-Podreeve]\n        App=b\n",
         "web.yaml:11:9: app.companions[0].text: [X-Podreeve]: is what podreeve writes into"},
        {"    - name: a.cont\n      text: \"\"\n", "web.yaml:6:13: app.companions[0].name: "},
        {"    - name: a.container\n", "web.yaml:6:7: app.companions[0]: has no unit"},
        {"    - text: \"\"\n", "app.companions[0].name: is missing"},
        {"    - units/none.container\n",
         "web.yaml:6:7: app.companions[0]: there is no file units/none.container"},
        {"    - ../x.container\n",
         "web.yaml:6:7: app.companions[0]: '../x.container' is not a path below"},
        {"    - name: a.network\n      text: '[Network]'\n      instances: [a]\n",
         "web.yaml:8:7: app.companions[0].instances: a.network is not a template"},
        {"    - name: a@.container\n      text: \"[Container]\\nImage=x\"\n      instances: [a "
         "b]\n",
         "web.yaml:8:19: app.companions[0].instances[0]: "},
        {"    - name: a.network\n      text: '[Network]'\n      restart: later\n",
         "web.yaml:8:16: app.companions[0].restart: "},
        {"    - name: a.network\n      text: '[Network]'\n      depends_on: [{companion: "
         "b.network}]\n",
         "there is no such companion"},
    };
    for (const Wrong& row : rows) {
        const std::string text = kHead + "  companions:\n" + row.item;
        const Words said = errors_of(text);
        ASSERT_FALSE(said.empty()) << row.item;
        if (std::string_view(row.reported) == "there is no such companion") {
            EXPECT_NE(said[0].find("this app has no companion b.network; allowed: a.network; did "
                                   "you mean 'a.network'?"),
                      std::string::npos)
                << said[0];
        } else {
            EXPECT_NE(said[0].find(row.reported), std::string::npos) << row.item << said[0];
        }
    }
}

TEST(Companions, AnAppCanWaitForOneOfItsOwn) {
    const std::string companions =
        "  companions:\n    - name: proxy.container\n      text: \"[Container]\\nImage=x\"\n";
    const std::string container = "  container: {image: 'a:1'}\n";
    const AppSpec app = app_of(kHead + container + companions +
                               "  depends_on: [{companion: proxy.container, is: started}]\n");
    ASSERT_EQ(app.depends_on.size(), 1U);
    EXPECT_EQ(app.depends_on[0].app, "shop");
    EXPECT_EQ(app.depends_on[0].companion, "proxy.container");
    EXPECT_TRUE(validate_together({{"shop", std::make_shared<AppSpec>(app)}}).empty());
    const Words said = errors_of(kHead + container + companions +
                                 "  depends_on: [{companion: proxi.container}]\n");
    ASSERT_EQ(said.size(), 1U);
    EXPECT_NE(said[0].find("did you mean 'proxy.container'?"), std::string::npos) << said[0];
}

TEST(Companions, WithoutAContainerItsFieldsAreErrors) {
    const Words said = errors_of(kHead +
                                 "  companions: [{name: a.network, text: '[Network]'}]\n  ports: "
                                 "[{host: 1, container: 1}]\n");
    ASSERT_EQ(said.size(), 1U);
    EXPECT_NE(said[0].find("web.yaml:6:3: app.ports: is about the container, and there is none"),
              std::string::npos)
        << said[0];
}

TEST(Companions, ChangeTheHashOfAnAppThatHasThemAlone) {
    const std::string base = kHead + "  container: {image: 'a:1'}\n";
    const std::string one = "  companions: [{name: a.network, text: '[Network]'}]\n";
    const AppSpec without = app_of(base);
    const AppSpec with = app_of(base + one);
    EXPECT_EQ(companions_hash(without), "");
    EXPECT_NE(spec_hash(without), spec_hash(with));
    AppSpec moved = with;
    moved.companions[0].position = {"elsewhere", 1, 1};
    EXPECT_EQ(spec_hash(moved), spec_hash(with));
    AppSpec other = with;
    other.companions[0].text += "#";
    EXPECT_NE(companions_hash(other), companions_hash(with));
    other = with;
    other.companions[0].restart = UnitRestart::Report;
    EXPECT_NE(companions_hash(other), companions_hash(with));
}

TEST(BareUnits, OfOneStemAreOneApp) {
    const Compiled compiled = compile({"/m/web.container",
                                       "",
                                       {},
                                       {{"/m/web.volume", "[Volume]\n", {}},
                                        {"/m/web.container", kProxy + "Volume=web.volume:/d\n", {}},
                                        {"/m/web@.container", kProxy, {}}}});
    ASSERT_EQ(reported(compiled.diagnostics), Words{});
    EXPECT_EQ(compiled.app->name, "web");
    EXPECT_EQ(compiled.app->dialect, Dialect::Quadlet);
    ASSERT_EQ(compiled.app->companions.size(), 3U);
    EXPECT_EQ(compiled.app->companions[1].part, "web.volume");
}

TEST(BareUnits, TellTheirErrorsByFileAndLine) {
    const Compiled compiled =
        compile({"/m/Web.container", "", {}, {{"/m/Web.container", "[Container]\nImge=a\n", {}}}});
    const Words said = reported(compiled.diagnostics);
    ASSERT_EQ(said.size(), 3U);
    EXPECT_EQ(said[0].rfind("/m/Web.container: the file's name up to '@' or '.' is the app's", 0),
              0U);
    EXPECT_EQ(said[2].rfind("/m/Web.container:2:1: [Container] Imge: unknown key", 0), 0U)
        << said[2];
}

std::shared_ptr<const AppSpec> bare(const std::string& file, const std::string& text) {
    const std::string path = "/m/" + file;
    const Compiled compiled = compile({path, "", {}, {{path, text, {}}}});
    EXPECT_EQ(reported(compiled.diagnostics), Words{});
    return compiled.app;
}

std::string problems_together(const std::vector<std::shared_ptr<const AppSpec>>& apps) {
    AppsByName by_name;
    for (const auto& app : apps) {
        by_name.emplace(app->name, app);
    }
    std::string out;
    for (const auto& [app, problems] : validate_together(by_name)) {
        for (const std::string& text : reported(problems)) {
            out += app + "|" + text + "\n";
        }
    }
    return out;
}

TEST(BareUnits, MayNameThoseOfOtherApps) {
    const auto web = bare("web.container", kProxy + "Pod=shop.pod\nVolume=data.volume:/d\n");
    EXPECT_EQ(
        problems_together({web, bare("shop.pod", "[Pod]\n"), bare("data.volume", "[Volume]\n")}),
        "");
    const std::string said = problems_together({web, bare("shop.pod", "[Pod]\n")});
    EXPECT_EQ(said.rfind("web|/m/web.container:4:8: warning: web.container: [Container] Volume: "
                         "there is no unit 'data.volume' among the files checked",
                         0),
              0U)
        << said;
}

TEST(BareUnits, CannotHaveTheSameServiceOrContainer) {
    EXPECT_NE(problems_together({bare("a.container", kProxy + "ServiceName=x\n"),
                                 bare("b.container", kProxy + "ServiceName=x\n")})
                  .find("b|/m/b.container: companion b.container: the name x.service is taken by "
                        "app a"),
              std::string::npos);
    EXPECT_NE(problems_together({bare("a.container", kProxy + "ContainerName=same\n"),
                                 bare("b.container", kProxy + "ContainerName=same\n")})
                  .find("the name same is taken by app a"),
              std::string::npos);
}

TEST(BareUnits, CannotNameAFileBesideThem) {
    EXPECT_NE(problems_together({bare("play.kube", "[Kube]\nYaml=play.yaml\n")})
                  .find("'play.yaml' is relative to the unit's file, which is installed elsewhere"),
              std::string::npos);
    EXPECT_EQ(problems_together({bare("play.kube", "[Kube]\nYaml=/m/play.yaml\n")}), "");
}

class UnitFiles : public testing::Test {
  protected:
    void SetUp() override { open(); }

    void open() {
        // What is gone is gone at the first look: the time between two stands still.
        source_ =
            std::make_unique<ManifestSource>(SourceConfig{.directories = {root_ / "a", root_ / "b"},
                                                          .accepted_dir = root_ / "accepted",
                                                          .owner = ::getuid(),
                                                          .clock = nullptr,
                                                          .gone_after = Duration{}});
    }

    void write(const std::string& name, const std::string& text) {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << text;
    }

    // "web: web.container[10.conf 20.conf]"
    Words apps() {
        Words out;
        desired_ = source_->scan();
        for (const auto& [name, app] : desired_.apps) {
            std::string line = name + ":";
            for (const CompanionSpec& companion : app->companions) {
                line += " " + companion.part;
                for (const UnitDropIn& drop_in : companion.drop_ins) {
                    line += "+" + drop_in.name;
                }
            }
            out.push_back(line);
        }
        return out;
    }

    fakes::TempDir temp_;
    fs::path root_ = temp_.path();
    std::unique_ptr<ManifestSource> source_;
    Desired desired_;
};

TEST_F(UnitFiles, AreFoundWithTheDropInsThatCount) {
    write("a/web.container", kProxy);
    write("a/web.volume", "[Volume]\n");
    write("a/web.container.d/20.conf", "[Container]\nHostName=b\n");
    write("a/container.d/10.conf", "[Container]\nHostName=a\n");
    write("b/web.container.d/30.conf", "[Container]\nHostName=c\n");
    write("a/web.container.d/README", "no");
    EXPECT_EQ(apps(), Words{"web: web.container+10.conf+20.conf+30.conf web.volume"});
    fs::create_symlink("/dev/null", root_ / "b/web.volume");
    EXPECT_EQ(apps(), Words{"web: web.container+10.conf+20.conf+30.conf"});
    const std::string before = spec_hash(*desired_.apps.at("web"));
    write("b/web.container.d/30.conf", "[Container]\nHostName=d\n");
    apps();
    EXPECT_NE(spec_hash(*desired_.apps.at("web")), before);
    EXPECT_TRUE(desired_.problems.empty());
}

TEST_F(UnitFiles, ThatAManifestNamesAreItsOwn) {
    write("a/shop.yaml", kHead + "  companions: [proxy.container]\n");
    write("a/proxy.container", kProxy);
    write("a/proxy.container.d/1.conf", "[Container]\nHostName=a\n");
    write("a/alone.container", kProxy + "ContainerName=alone\n");
    EXPECT_EQ(apps(), (Words{"alone: alone.container", "shop: proxy.container+1.conf"}));
    const std::string before = spec_hash(*desired_.apps.at("shop"));
    write("a/proxy.container", kProxy + "HostName=b\n");
    EXPECT_EQ(apps().size(), 2U);
    EXPECT_NE(spec_hash(*desired_.apps.at("shop")), before);
}

TEST_F(UnitFiles, ThatAreBrokenOrGoneLeaveTheLastGoodVersionInForce) {
    write("a/shop.yaml", kHead + "  companions: [u/proxy.container]\n");
    write("a/u/proxy.container", kProxy);
    write("a/web.container", kProxy + "ContainerName=w\n");
    apps();
    const std::string shop = spec_hash(*desired_.apps.at("shop"));
    const std::string web = spec_hash(*desired_.apps.at("web"));
    write("a/web.container", "[Container]\nImge=x\n");
    fs::remove(root_ / "a/u/proxy.container");
    for (int i = 0; i < 2; ++i) {
        apps();
        ASSERT_EQ(desired_.apps.size(), 2U);
        EXPECT_EQ(spec_hash(*desired_.apps.at("shop")), shop);
        EXPECT_EQ(spec_hash(*desired_.apps.at("web")), web);
        ASSERT_EQ(desired_.problems.size(), 2U);
        EXPECT_NE(to_text(desired_.problems[0].diagnostics.at(0)).find("shop.yaml:5:16: "),
                  std::string::npos)
            << to_text(desired_.problems[0].diagnostics.at(0));
        open();  // as after a new start
    }
    write("a/u/proxy.container", kProxy);
    apps();
    EXPECT_EQ(desired_.problems.size(), 1U);
}

TEST_F(UnitFiles, WhoseDropInHasANameThatIsNoTextAreBroken) {
    write("a/web.container", kProxy + "ContainerName=w\n");
    apps();
    const std::string web = spec_hash(*desired_.apps.at("web"));
    for (const char* name : {"\xFF.conf", "a\nb.conf", "\x1B.conf", "half\xC3.conf"}) {
        write(std::string("a/web.container.d/") + name, "[Container]\nHostName=a\n");
        apps();
        EXPECT_EQ(spec_hash(*desired_.apps.at("web")), web) << "the version before";
        ASSERT_EQ(desired_.problems.size(), 1U);
        const std::string said = to_text(desired_.problems[0].diagnostics.at(0));
        EXPECT_NE(said.find("as a drop-in"), std::string::npos) << said;
        EXPECT_FALSE(find_text_flaw(said)) << said;
        fs::remove_all(root_ / "a/web.container.d");
    }
    write("a/web.container.d/größe 1.conf", "[Container]\nHostName=a\n");
    apps();
    EXPECT_TRUE(desired_.problems.empty());
}

TEST_F(UnitFiles, ThatAreNotThereHideNoOtherError) {
    write("a/shop.yaml", kHead + "  nam: x\n  companions: [u/proxy.container, alone.container]\n");
    write("a/alone.container", "[Container]\nImge=x\n");
    apps();
    ASSERT_EQ(desired_.problems.size(), 1U);
    std::string said;
    for (const std::string& one : reported(desired_.problems[0].diagnostics)) {
        said += one + "\n";
    }
    for (const char* part : {"app.nam: unknown field", "u/proxy.container is not there",
                             "alone.container:2:1: [Container] Imge: unknown key"}) {
        EXPECT_NE(said.find(part), std::string::npos) << part << "\n--- in\n" << said;
    }
}

}  // namespace
}  // namespace podreeve::manifests
