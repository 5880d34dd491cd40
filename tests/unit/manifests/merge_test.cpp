#include "manifests/merge.h"

#include <gtest/gtest.h>

#include "tests/unit/manifests/compiling.h"

namespace podreeve::manifests {
namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;
using Words = std::vector<std::string>;
using Map = std::map<std::string, std::string>;

AppSpec merged(const std::string& text, const Texts& drop_ins) {
    const Compiled compiled = compile("web.yaml", text, drop_ins);
    for (const Diagnostic& diagnostic : compiled.diagnostics) {
        ADD_FAILURE() << to_text(diagnostic);
    }
    return compiled.app ? *compiled.app : AppSpec{};
}

const char kApp[] =
    "app:\n  id: web\n  name: Web\n  version: 1\n  container: {image: a:1, command: [x, y]}\n"
    "  environment: [A=1, B=2]\n  ports: [{host: 80, container: 80}]\n"
    "  volumes: [{type: volume, source: v, target: /v}]\n  restart: never\n";

TEST(Merge, MapsMergeAndNullDeletes) {
    const AppSpec app = merged(
        kApp, {{"10.yaml", "app:\n  version: 2\n  restart: null\n  container: {image: a:2}\n"}});
    EXPECT_EQ(app.version, "2");
    EXPECT_EQ(app.containers.at(0).image, "a:2");
    EXPECT_EQ(app.containers.at(0).command, (Words{"x", "y"}));
    EXPECT_EQ(app.containers.at(0).restart, RestartPolicy::Always);
}

TEST(Merge, ListsOfNamedThingsMergeByTheirName) {
    const AppSpec app =
        merged(kApp, {{"10.yaml",
                       "app:\n  environment: [B=3, C=4]\n  ports: [{host: 81, container: 80}, "
                       "{host: 90, container: 90}]\n"
                       "  volumes: [{target: /v, options: [ro]}]\n  container: {command: [z]}\n"}});
    const ContainerSpec& c = app.containers.at(0);
    EXPECT_EQ(c.env, (Map{{"A", "1"}, {"B", "3"}, {"C", "4"}}));
    EXPECT_EQ(c.ports, (std::vector<Port>{{"", 81, 80, "tcp"}, {"", 90, 90, "tcp"}}));
    ASSERT_EQ(c.mounts.size(), 1U);
    EXPECT_EQ(c.mounts[0].source, "v");
    EXPECT_TRUE(c.mounts[0].read_only);
    EXPECT_EQ(c.command, Words{"z"});
}

TEST(Merge, DropInsApplyInTheirOrder) {
    const AppSpec app =
        merged(kApp, {{"10.yaml", "app: {version: 2}"}, {"20.yaml", "app: {version: 3}"}});
    EXPECT_EQ(app.version, "3");
}

TEST(Merge, KubernetesDocumentsMergeByKindAndName) {
    const std::string patch =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    - name: c\n   "
        "   env: [{name: B, value: x}]\n"
        "    - {name: side, image: a:1}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: "
        "new}\ndata: {a: b}\n";
    const AppSpec app =
        merged(pod_text("env: [{name: A, value: y}, {name: B, value: z}]\nvolumeMounts: [{name: v, "
                        "mountPath: /1}, {name: v, mountPath: /2}]",
                        "volumes: [{name: v, emptyDir: {}}]"),
               {{"10.yaml", patch}});
    ASSERT_EQ(app.containers.size(), 2U);
    EXPECT_EQ(app.containers[0].env, (Map{{"A", "y"}, {"B", "x"}}));
    EXPECT_EQ(app.containers[0].mounts.size(), 2U);
    EXPECT_EQ(app.containers[1].name, "web-side");
}

TEST(Merge, ErrorsPointIntoTheDropIn) {
    const Compiled compiled =
        compile("web.yaml", kApp, {{"web.yaml.d/10.yaml", "app:\n  restrt: never\n"}});
    ASSERT_EQ(compiled.diagnostics.size(), 1U);
    EXPECT_EQ(to_text(compiled.diagnostics[0]).substr(0, 51),
              "web.yaml.d/10.yaml:2:3: app.restrt: unknown field; ");
    EXPECT_EQ(compiled.app, nullptr);
}

TEST(Merge, ADropInMustSayWhatItChanges) {
    const Compiled compiled = compile("web.yaml", kApp, {{"10.yaml", "version: 2\n"}});
    ASSERT_EQ(compiled.diagnostics.size(), 1U);
    EXPECT_EQ(to_text(compiled.diagnostics[0]),
              "10.yaml:1:1: a drop-in must say what it changes; allowed: app:, or kind and "
              "metadata.name of a document");
}

}  // namespace
}  // namespace podreeve::manifests
