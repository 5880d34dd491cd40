// Kube play and events. Trap -> test:
//   play answers 200 though containers failed .................................
//   PlayTellsWhatDidNotStart play that fails leaves what it made before
//   ................................ PlayThatFailsLeavesItsParts a content type that is not on the
//   list is refused from 5.3 on ............. PlayTakesYamlByItsExactType YAML without a workload
//   is an error ....................................... PlayNeedsAWorkload down of what is not
//   there is fine ......................................... DownRemovesPodsAndForgivesAbsence a
//   stream from `since` on repeats and loses nothing ........................
//   EventsResumeWithoutLoss libpod's death is `died`, with an exit code, podId is always there
//   ........ DeathsTellTheirExitCode the order of a pod's life: service, infra, member
//   ......................... EventsShowTheOrderOfAPod a stream ends by its reader, by its stop
//   token, and with podman ........... EventsEndWhenToldTo, EventsEndWithPodman
#include <algorithm>
#include <mutex>
#include <thread>

#include "tests/contract/subject.h"

namespace podreeve::contract {
namespace {

using podman::ContainerState;
using podman::PodmanEvent;

std::string pod_yaml(const std::string& name,
                     const std::string& image,
                     const std::string& command) {
    return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name +
           "\nspec:\n  hostNetwork: true\n  restartPolicy: Never\n  terminationGracePeriodSeconds: "
           "1\n  containers:\n  - name: c\n    image: " +
           image + "\n    command: [" + command + "]\n";
}

std::int64_t now_nano() {
    return SystemClock().system_now().time_since_epoch().count();
}

// The events of contract-… since then, up to and with the first that `last` holds for.
std::vector<PodmanEvent> events_until(Client& client,
                                      std::int64_t since,
                                      const std::function<bool(const PodmanEvent&)>& last) {
    std::vector<PodmanEvent> out;
    const Patience patience;
    bool found = false;
    const auto read = client.events(since,
                                    [&](const PodmanEvent& event) {
                                        if (event.name.starts_with("contract-")) {
                                            out.push_back(event);
                                            found = last(event);
                                        }
                                        return !found;
                                    },
                                    {std::chrono::seconds(30), patience.token()});
    EXPECT_TRUE(read) << read.error().message;
    return out;
}

bool is(const PodmanEvent& event, const std::string& action, const std::string& name) {
    return event.action == action && event.name == name;
}

std::size_t position(const std::vector<PodmanEvent>& events,
                     const std::string& action,
                     const std::string& name) {
    const auto it = std::find_if(events.begin(), events.end(),
                                 [&](const PodmanEvent& e) { return is(e, action, name); });
    EXPECT_NE(it, events.end()) << action << " of " << name;
    return static_cast<std::size_t>(it - events.begin());
}

TEST_F(Contract, PlayTellsWhatDidNotStart) {
    const auto report =
        client_->kube_play(pod_yaml("contract-k", kImage, "\"/nonexistent\""), false, true, call());
    ASSERT_OK(report);
    ASSERT_EQ(report->pods.size(), 1U);
    ASSERT_EQ(report->pods[0].errors.size(), 1U);
    EXPECT_NE(report->pods[0].errors[0].find("/nonexistent"), std::string::npos)
        << report->pods[0].errors[0];
    EXPECT_EQ(state("contract-k-c"), ContainerState::Created);
    // // The pod's exit policy stops the infra container in podman's own time; to remove the pod
    // meanwhile can lock up podman 4.3 for good.
    EXPECT_TRUE(
        eventually([&] { return pod_row("contract-k").status == podman::PodStatus::Stopped; }));
}

TEST_F(Contract, PlayRunsPods) {
    const ContainerState started =
        may_start_played() ? ContainerState::Running : ContainerState::Created;
    const auto report =
        client_->kube_play(pod_yaml("contract-k", kImage, "\"/bin/sleep\", \"1000\""), false,
                           may_start_played(), call());
    ASSERT_OK(report);
    ASSERT_EQ(report->pods.size(), 1U);
    EXPECT_TRUE(report->pods[0].errors.empty());
    EXPECT_EQ(report->pods[0].id, pod_row("contract-k").id);
    EXPECT_EQ(report->pods[0].containers, Names{row("contract-k-c").id});
    EXPECT_EQ(report->service_container_id, "");
    EXPECT_EQ(state("contract-k-c"), started);
}

TEST_F(Contract, PlayThatFailsLeavesItsParts) {
    const ContainerState started =
        may_start_played() ? ContainerState::Running : ContainerState::Created;
    const std::string yaml =
        pod_yaml("contract-k", kImage, "\"/bin/sleep\", \"1000\"") + "---\n" +
        pod_yaml("contract-l", "localhost:1/contract-nope:1", "\"/bin/sleep\", \"1000\"");
    EXPECT_FALSE(client_->kube_play(yaml, false, may_start_played(), call()));
    EXPECT_EQ(state("contract-k-c"), started);
    EXPECT_EQ(row("contract-l-c").id, "");
}

TEST_F(Contract, PlayTakesYamlByItsExactType) {
    const std::string yaml = pod_yaml("contract-k", kImage, "\"/bin/sleep\", \"1000\"");
    const int status =
        raw("POST", "kube/play?start=false", yaml, "application/yaml; charset=utf-8").status;
    EXPECT_EQ(status, at_least(5, 3) ? 500 : 200);
    if (status == 200) {
        ASSERT_OK(client_->remove_pod("contract-k", true, call()));
    }
    EXPECT_OK(client_->kube_play(yaml, false, may_start_played(), call()));
}

TEST_F(Contract, PlayNeedsAWorkload) {
    EXPECT_FALSE(client_->kube_play(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: contract-c\ndata:\n  a: b\n", false,
        true, call()));
    EXPECT_FALSE(client_->kube_play("{", false, true, call()));
}

TEST_F(Contract, DownRemovesPodsAndForgivesAbsence) {
    const std::string yaml = pod_yaml("contract-k", kImage, "\"/bin/sleep\", \"1000\"");
    EXPECT_OK(client_->kube_down(yaml, false, call()));
    ASSERT_OK(client_->kube_play(yaml, false, may_start_played(), call()));
    EXPECT_OK(client_->kube_down(yaml, false, call()));
    EXPECT_EQ(pod_row("contract-k").id, "");
    EXPECT_EQ(row("contract-k-c").id, "");
}

TEST_F(Contract, DeathsTellTheirExitCode) {
    const std::int64_t since = now_nano();
    make_pod("contract-p");
    const std::string id = make("contract-p-a", failing(6), "contract-p");
    ASSERT_OK(client_->start_pod("contract-p", call()));
    const auto events = events_until(
        *client_, since, [](const PodmanEvent& e) { return is(e, "died", "contract-p-a"); });
    const PodmanEvent& died = events.at(position(events, "died", "contract-p-a"));
    EXPECT_EQ(died.type, "container");
    EXPECT_EQ(died.id, id);
    EXPECT_EQ(died.attributes.at("containerExitCode"), "6");
    EXPECT_GE(died.time_nano, since);
    for (const PodmanEvent& event : events) {
        EXPECT_NE(event.action, "die");
    }
    EXPECT_EQ(events.at(position(events, "create", "contract-p-a")).type, "container");
    EXPECT_EQ(events.at(position(events, "create", "contract-p")).type, "pod");
}

TEST_F(Contract, EventsResumeWithoutLoss) {
    const std::int64_t since = now_nano();
    start("contract-e", stubborn());
    ASSERT_OK(client_->stop_container("contract-e", 0, call()));
    const auto first = events_until(
        *client_, since, [](const PodmanEvent& e) { return is(e, "start", "contract-e"); });
    ASSERT_OK(client_->remove_container("contract-e", {}, call()));
    const PodmanEvent& last = first.back();
    const auto second = events_until(*client_, last.time_nano, [](const PodmanEvent& e) {
        return is(e, "remove", "contract-e");
    });
    // // // Podman reads `since` as a floating point number, which is a quarter of a microsecond
    // off: what was read last may or may not come again, so that a reader asks for a little more
    // and knows what it has seen by time, id and action.
    const auto resumed = events_until(*client_, last.time_nano - 1000, [](const PodmanEvent& e) {
        return is(e, "remove", "contract-e");
    });
    EXPECT_EQ(resumed.front().time_nano, last.time_nano);
    EXPECT_EQ(resumed.front().action, "start");
    EXPECT_GE(second.front().time_nano, last.time_nano);
    EXPECT_EQ(std::count_if(second.begin(), second.end(),
                            [](const PodmanEvent& e) { return is(e, "died", "contract-e"); }),
              1);
    EXPECT_LT(position(second, "died", "contract-e"), position(second, "remove", "contract-e"));
    EXPECT_TRUE(std::none_of(second.begin(), second.end(),
                             [&](const PodmanEvent& e) { return e.time_nano < last.time_nano; }));
}

TEST_F(Contract, EventsShowTheOrderOfAPod) {
    std::string service;
    if (at_least(4, 5)) {
        const std::string stub =
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: contract-stub\nspec:\n  hostNetwork: "
            "true\n";
        const auto report = client_->kube_play(stub, true, true, call());
        ASSERT_OK(report);
        service = report->service_container_id;
        ASSERT_OK(client_->rename_container(service, "contract-svc", call()));
    }
    make_pod("contract-p",
             [&](podman::PodCreate& create) { create.service_container_id = service; });
    make("contract-p-a", stubborn(), "contract-p");
    if (!service.empty()) {
        ASSERT_OK(client_->remove_pod("contract-stub", true, call()));
        EXPECT_TRUE(eventually([&] { return state("contract-svc") != ContainerState::Stopping; }));
        ASSERT_OK(client_->stop_container("contract-svc", 0, call()));
    }
    const std::string infra = row(pod_row("contract-p").infra_id).name;
    const std::int64_t from = now_nano();
    ASSERT_OK(client_->start_pod("contract-p", call()));
    // The service container goes with the last pod only when podman itself stops that pod.
    ASSERT_EQ(raw("POST", "pods/contract-p/stop?t=1").status, 200);
    std::vector<PodmanEvent> seen;
    const auto last = [&](const PodmanEvent& e) {
        return is(e, "died", service.empty() ? "contract-p-a" : "contract-svc");
    };
    const Patience patience;
    bool over = false;
    EXPECT_OK(
        client_->events(from,
                        [&](const PodmanEvent& event) {
                            if (event.time_nano >= from &&
                                (event.name.starts_with("contract-") || event.name == infra)) {
                                seen.push_back(event);
                                over = last(event);
                            }
                            return !over;
                        },
                        {std::chrono::seconds(30), patience.token()}));
    EXPECT_LT(position(seen, "start", infra), position(seen, "start", "contract-p-a"));
    EXPECT_LT(position(seen, "start", "contract-p-a"), position(seen, "died", "contract-p-a"));
    if (!service.empty()) {
        EXPECT_LT(position(seen, "start", "contract-svc"), position(seen, "start", infra));
        EXPECT_LT(position(seen, "died", "contract-p-a"), position(seen, "died", "contract-svc"));
        EXPECT_LT(position(seen, "died", infra), position(seen, "died", "contract-svc"));
    }
}

TEST_F(Contract, EventsOfThePastAreToldByPodmansOwnClock) {
    const auto of_last = [&](Duration past) {
        bool seen = false;
        std::stop_source stop;
        EXPECT_OK(client_->create_volume(
            [] {
                podman::VolumeDetails volume;
                volume.name = "contract-end";
                volume.labels = {{"contract", "end"}};
                return volume;
            }(),
            call()));
        EXPECT_OK(client_->events_of_last(past,
                                          [&](const PodmanEvent& event) {
                                              seen = seen || is(event, "start", "contract-e");
                                              return event.name != "contract-end" ||
                                                     event.action != "create";
                                          },
                                          {}));
        EXPECT_OK(client_->remove_volumes_with("contract", "end", call()));
        return seen;
    };
    start("contract-e", stubborn());
    EXPECT_TRUE(of_last(std::chrono::minutes(5)));
}

TEST_F(Contract, EventsEndWhenToldTo) {
    std::stop_source source;
    std::mutex mutex;
    bool seen = false;
    Status read;
    const std::int64_t since = now_nano();
    {
        std::jthread reader([&] {
            read = client_->events(since,
                                   [&](const PodmanEvent& event) {
                                       std::lock_guard lock(mutex);
                                       seen = seen || is(event, "start", "contract-e");
                                       return true;
                                   },
                                   {Duration::zero(), source.get_token()});
        });
        start("contract-e", stubborn());
        EXPECT_TRUE(eventually([&] {
            std::lock_guard lock(mutex);
            return seen;
        }));
        source.request_stop();
    }
    EXPECT_FAILS(Cancelled, read);
}

TEST_F(Contract, EventsEndWithPodman) {
    if (real()) {
        // While a stream is open podman does not exit for want of work, so the stream is not cut by
        // idleness.
        const std::int64_t since = now_nano();
        std::jthread later([&] {
            idle_exit();
            EXPECT_OK(Client(socket_, owner_)
                          .create_volume(
                              [] {
                                  podman::VolumeDetails volume;
                                  volume.name = "contract-late";
                                  return volume;
                              }(),
                              call()));
        });
        const auto events = events_until(
            *client_, since, [](const PodmanEvent& e) { return e.name == "contract-late"; });
        EXPECT_EQ(events.back().type, "volume");
        return;
    }
    Status read;
    {
        std::jthread reader(
            [&] { read = client_->events(0, [](const PodmanEvent&) { return true; }, {}); });
        EXPECT_TRUE(fake().wait_until([](const auto& journal) {
            return std::any_of(journal.begin(), journal.end(),
                               [](const auto& entry) { return entry.path.starts_with("events"); });
        }));
        fake().cut_connections();
    }
    EXPECT_FAILS(Unavailable, read);
}

}  // namespace
}  // namespace podreeve::contract
