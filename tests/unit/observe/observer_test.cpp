#include "agent/observe/observer.h"

#include <gtest/gtest.h>

namespace podreeve::observe {
namespace {

using podman::ContainerState;
using podman::ContainerSummary;
using podman::PodSummary;

constexpr const char* kMe = "00112233aabbccdd";
constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};

std::map<std::string, std::string> labels(const std::string& app,
                                          const std::string& part,
                                          const std::string& owner = kMe) {
    return {{kLabelApp, app}, {kLabelPart, part}, {kLabelOwner, owner}};
}

ContainerSummary container(const std::string& id, const std::string& name) {
    ContainerSummary row;
    row.id = id;
    row.name = name;
    row.state = ContainerState::Running;
    return row;
}

PodSummary pod(const std::string& id, const std::string& name, const std::string& owner = kMe) {
    PodSummary row;
    row.id = id;
    row.name = name;
    row.labels = labels("shop", name, owner);
    return row;
}

// Lists as podman would answer, one pair a reading; the last is answered for ever.
struct Answers {
    std::vector<std::vector<ContainerSummary>> containers;
    std::vector<std::vector<PodSummary>> pods;
    int asked = 0;

    Listings listings() {
        return {[this]() -> Result<std::vector<ContainerSummary>> {
                    const auto i = std::min<std::size_t>(static_cast<std::size_t>(asked++),
                                                         containers.size() - 1);
                    return containers[i];
                },
                [this]() -> Result<std::vector<PodSummary>> {
                    const auto i =
                        std::min<std::size_t>(static_cast<std::size_t>(asked - 1), pods.size() - 1);
                    return pods[i];
                }};
    }
};

TEST(Ownership, NeedsAnAppAndTheRightOwner) {
    auto all = labels("shop", "web/web");
    all[kLabelRole] = "workload";
    all[kLabelSpec] = "0123";
    all[kLabelGeneration] = "12";
    const auto own = ownership(all, kMe);
    ASSERT_TRUE(own);
    EXPECT_EQ(own->app, "shop");
    EXPECT_EQ(own->part, "web/web");
    EXPECT_EQ(own->role, "workload");
    EXPECT_EQ(own->spec, "0123");
    EXPECT_EQ(own->generation, 12);
    EXPECT_FALSE(ownership(all, "another"));
    EXPECT_FALSE(ownership({}, kMe));
    all.erase(kLabelApp);
    EXPECT_FALSE(ownership(all, kMe));
}

TEST(Ownership, TakesAnUnreadableGenerationAsNone) {
    auto all = labels("shop", "web");
    all[kLabelGeneration] = "twelve";
    EXPECT_EQ(ownership(all, kMe)->generation, 0);
}

TEST(Observing, SortsByIdAndFindsByIdAndName) {
    Answers replies{{{container("c", "three"), container("a", "one"), container("b", "two")}},
                    {{pod("q", "db"), pod("p", "web")}}};
    const auto observed = observe(replies.listings(), kMe, kNow);
    ASSERT_TRUE(observed);
    EXPECT_EQ(observed->at, kNow);
    EXPECT_EQ(observed->containers[0].id, "a");
    EXPECT_EQ(observed->containers[2].id, "c");
    EXPECT_EQ(observed->pods[0].id, "p");
    EXPECT_EQ(observed->container_by_id("b")->name, "two");
    EXPECT_EQ(observed->container_by_id("bb"), nullptr);
    EXPECT_EQ(observed->container_named("three")->id, "c");
    EXPECT_EQ(observed->pod_named("db")->id, "q");
    EXPECT_EQ(observed->pod_named("nope"), nullptr);
    EXPECT_FALSE(observed->resources);
    EXPECT_EQ(replies.asked, 1);
}

TEST(Observing, FailsAsAWholeWhenEitherListFails) {
    const Error error{Code::Timeout, "cannot list"};
    const auto no_containers = [&]() -> Result<std::vector<ContainerSummary>> { return error; };
    const auto no_pods = [&]() -> Result<std::vector<PodSummary>> { return error; };
    Answers replies{{{}}, {{}}};
    const Listings good = replies.listings();
    EXPECT_EQ(observe({no_containers, good.pods}, kMe, kNow).error(), error);
    EXPECT_EQ(observe({good.containers, no_pods}, kMe, kNow).error(), error);
}

// Ours, in a pod that is not listed.
std::vector<ContainerSummary> orphan() {
    ContainerSummary row = container("a", "web-web");
    row.pod_id = "p";
    row.labels = labels("shop", "web/web");
    return {row};
}

TEST(Observing, ReadsAgainWhenTheListsDoNotFit) {
    Answers replies{{orphan(), {}}, {{}, {}}};
    const auto observed = observe(replies.listings(), kMe, kNow);
    ASSERT_TRUE(observed);
    EXPECT_TRUE(observed->containers.empty());
    EXPECT_EQ(replies.asked, 2);
}

TEST(Observing, NotesAppsThatDoNotFitTwiceAsInMotion) {
    Answers replies{{orphan()}, {{}}};
    const auto observed = observe(replies.listings(), kMe, kNow);
    ASSERT_TRUE(observed);
    ASSERT_TRUE(observed->in_motion.contains("shop"));
    EXPECT_EQ(observed->in_motion.at("shop"), "the pod of container web-web is not listed");
    EXPECT_EQ(replies.asked, 2);
}

TEST(Observing, MissesMembersOfAPodOfOurs) {
    PodSummary made = pod("p", "web");
    made.members = {{"a", "web-web", ContainerState::Created}};
    Answers replies{{{}}, {{made}}};
    EXPECT_FALSE(observe(replies.listings(), kMe, kNow)->in_motion.empty());
    replies.containers = {{container("a", "web-web")}};
    EXPECT_TRUE(observe(replies.listings(), kMe, kNow)->in_motion.empty());
}

TEST(Observing, IsNotDisturbedByWhatOthersDo) {
    PodSummary theirs = pod("p", "web", "another");
    theirs.members = {{"a", "web-web", ContainerState::Created}};
    ContainerSummary lost = container("b", "lost");
    lost.pod_id = "gone";
    Answers replies{{{lost}}, {{theirs}}};
    EXPECT_TRUE(observe(replies.listings(), kMe, kNow)->in_motion.empty());
    EXPECT_EQ(replies.asked, 1);
}

struct ServiceRow {
    const char* about;
    ContainerSummary container;
    std::string app;  // empty: not one of ours
};

ContainerSummary service(const std::string& name, const std::string& image) {
    ContainerSummary row = container("s", name);
    row.image = image;
    return row;
}

ContainerSummary with(ContainerSummary row, const std::function<void(ContainerSummary&)>& edit) {
    edit(row);
    return row;
}

TEST(Services, AreToldByTheirLabelsAndNeverByAName) {
    const std::vector<ServiceRow> rows{
        {"called as one was once", service("shop-service", "localhost/podman-pause:5.4.2-0"), ""},
        {"played by hand", service("0123456789ab-service", ""), ""},
        {"a person's", service("shop-service", "docker.io/library/nginx:1"), ""},
        {"an ordinary one of ours",
         with(service("x", "busybox"),
              [](auto& row) {
                  row.labels = labels("shop", "_service");
                  row.labels[kLabelRole] = "service";
              }),
         "shop"},
        {"an ordinary one of another podreeve",
         with(service("shop-service", "busybox"),
              [](auto& row) {
                  row.labels = labels("shop", "_service", "another");
                  row.labels[kLabelRole] = "service";
              }),
         ""},
    };
    for (const ServiceRow& row : rows) {
        Observed observed;
        observed.containers = {row.container};
        const auto services = find_services(observed, kMe);
        ASSERT_EQ(services.size(), row.app.empty() ? 0U : 1U) << row.about;
        if (!row.app.empty()) {
            EXPECT_EQ(services.at("s"), row.app) << row.about;
        }
    }
}

TEST(Services, AreToldByThePodsThatLinkToThem) {
    Observed observed;
    observed.containers = {service("renamed-by-hand", "whatever")};
    observed.pods = {pod("p", "web")};
    observed.pods[0].labels[kLabelService] = "s";
    EXPECT_EQ(find_services(observed, kMe).at("s"), "shop");
    observed.pods[0].labels[kLabelService] = "gone";
    EXPECT_TRUE(find_services(observed, kMe).empty());
}

TEST(Services, OfAnotherPodreeveAreNotOursWhateverTheirName) {
    Observed observed;
    observed.containers = {service("shop-service", "")};
    observed.pods = {pod("p", "web", "another")};
    observed.pods[0].labels[kLabelService] = "s";
    EXPECT_TRUE(find_services(observed, kMe).empty());
}

TEST(Mounts, APathIsBelowTheLongestMountPointAboveIt) {
    const Mounts mounts{{"/", "/data", "/cover", "/cover", "/a\tb"}};

    const struct {
        const char* path;
        const char* point;
    } kRows[] = {
        {"/data/volumes", "/data"}, {"/data", "/data"},   {"/database", "/"},
        {"/cover/a/b", "/cover"},   {"/a\tb/c", "/a\tb"}, {"/", "/"},
        {"/not/there/at/all", "/"},
    };

    for (const auto& row : kRows) {
        EXPECT_EQ(mount_point_of(mounts, row.path), row.point) << row.path;
    }
    EXPECT_EQ(mount_point_of({}, "/data"), "");
}

}  // namespace
}  // namespace podreeve::observe
