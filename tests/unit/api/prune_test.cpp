#include <gtest/gtest.h>

#include "tests/unit/api/serving.h"

namespace podreeve::api {
namespace {

using testing::Answer;
using testing::Serving;

TEST(Prune, ListsWhatIsHeldAndLetsGoWhatIsNamedOfIt) {
    Serving serving;
    supervise::AppStatus held;
    held.name = "web";
    held.conditions.push_back({"RemovalHeld", "MassRemoval", "three went at once", "", true, {}});
    serving.show(held);
    const Answer list = serving.get("/v1/prune");
    ASSERT_EQ(list.body["removals"].size(), 1U);
    EXPECT_EQ(list.body["removals"][0]["app"], "web");
    EXPECT_EQ(list.body["removals"][0]["reason"], "MassRemoval");
    EXPECT_EQ(serving.post("/v1/prune?app=web&app=db").status, 409) << "db is not held";
    EXPECT_EQ(serving.post("/v1/prune").status, 400) << "nobody is named";
    EXPECT_TRUE(serving.let_go.removals.empty());
    EXPECT_EQ(serving.post("/v1/prune?app=web").status, 202);
    EXPECT_EQ(serving.let_go.removals, std::set<std::string>{"web"});
    EXPECT_TRUE(serving.let_go.volumes.empty());
}

TEST(Prune, LetsGoWhatVolumesHeldThatAreGone) {
    Serving serving;
    supervise::AppStatus held;
    held.name = "web";
    held.conditions.push_back({"Blocked", "StorageNotMounted", "/srv is gone", "", true, {}});
    serving.show(held);
    const Answer list = serving.get("/v1/prune");
    EXPECT_TRUE(list.body["removals"].empty());
    ASSERT_EQ(list.body["volumes"].size(), 1U);
    EXPECT_EQ(list.body["volumes"][0]["message"], "/srv is gone");
    const Answer gone = serving.post("/v1/prune?app=web");
    EXPECT_EQ(gone.status, 202);
    EXPECT_EQ(gone.body["emptied"][0], "web");
    EXPECT_TRUE(serving.let_go.removals.empty());
    EXPECT_EQ(serving.let_go.volumes, std::set<std::string>{"web"});
}

}  // namespace
}  // namespace podreeve::api
