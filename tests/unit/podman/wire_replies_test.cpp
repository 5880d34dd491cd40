#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "runtime/podman/wire.h"
#include "tests/unit/podman/recorded.h"

namespace podreeve::podman::wire {
namespace {

using std::chrono::seconds;

template <class Rows>
const auto* find_named(const Rows& rows, const std::string& name) {
    const auto found =
        std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.name == name; });
    return found == rows.end() ? nullptr : &*found;
}

class Recorded : public testing::TestWithParam<const char*> {
  protected:
    std::string reply(const std::string& file) const { return recorded(GetParam(), file); }
};

INSTANTIATE_TEST_SUITE_P(Podman, Recorded, testing::ValuesIn(kVersions));

TEST_P(Recorded, ListTellsARunningMemberOfAPod) {
    const auto rows = read_container_list(reply("containers.json"));
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->size(), 4U);
    const ContainerSummary* web = find_named(*rows, "shop-web");
    ASSERT_NE(web, nullptr);
    EXPECT_EQ(web->id.size(), 64U);
    EXPECT_EQ(web->image, "localhost/busybox:latest");
    EXPECT_EQ(web->image_id.size(), 64U);
    EXPECT_EQ(web->state, ContainerState::Running);
    EXPECT_EQ(web->health, "");
    EXPECT_GT(web->pid, 0);
    EXPECT_EQ(web->pod_name, "shop");
    EXPECT_EQ(web->pod_id.size(), 64U);
    EXPECT_FALSE(web->is_infra);
    EXPECT_FALSE(web->auto_remove);
    EXPECT_EQ(web->labels.at("io.podreeve.part"), "shop/web");
    EXPECT_NE(std::find(web->mounts.begin(), web->mounts.end(), "/data"), web->mounts.end());
    ASSERT_TRUE(web->created && web->started);
    EXPECT_GE(*web->started, *web->created - seconds(1));
    EXPECT_FALSE(web->exited);
}

TEST_P(Recorded, ListTellsTheInfraContainerAndItsNetwork) {
    const auto rows = read_container_list(reply("containers.json"));
    ASSERT_TRUE(rows);
    const auto infra = std::find_if(rows->begin(), rows->end(),
                                    [](const ContainerSummary& row) { return row.is_infra; });
    ASSERT_NE(infra, rows->end());
    EXPECT_EQ(infra->networks, std::vector<std::string>{"shop"});
}

TEST_P(Recorded, ListTellsAnExitAndDecodesEscapes) {
    const auto rows = read_container_list(reply("containers.json"));
    ASSERT_TRUE(rows);
    const ContainerSummary* once = find_named(*rows, "once");
    ASSERT_NE(once, nullptr);
    EXPECT_EQ(once->state, ContainerState::Exited);
    EXPECT_EQ(once->exit_code, 3);
    EXPECT_EQ(once->pid, 0);
    EXPECT_EQ(once->pod_id, "");
    EXPECT_EQ(once->labels.at("quote"), "a \"b\" \\ ü\n");
    ASSERT_TRUE(once->exited);
}

TEST(ContainerList, AllPortsOfAPublishedRangeAreSeen) {
    struct Range {
        int first, count;
        std::size_t seen;
    };

    for (const Range& range : {Range{60000, 5000, 5000},
                               {65535, 1, 1},
                               {65000, 9999, 536},
                               {1, 65535, 65535},
                               {8080, 0, 1}}) {
        const auto rows = read_container_list(
            R"([{"Id": "a", "Ports": [{"host_ip": "", "host_port": )" +
            std::to_string(range.first) + R"(, "container_port": 1, "protocol": "tcp", "range": )" +
            std::to_string(range.count) + "}]}]");
        ASSERT_TRUE(rows) << rows.error().message;
        const auto& ports = rows->front().ports;
        ASSERT_EQ(ports.size(), range.seen) << range.first;
        EXPECT_EQ(ports.back().host_port, range.first + static_cast<int>(range.seen) - 1);
    }
}

TEST_P(Recorded, ListReadsTheYearOneAsNever) {
    const auto rows = read_container_list(reply("containers.json"));
    ASSERT_TRUE(rows);
    const ContainerSummary* fresh = find_named(*rows, "fresh");
    ASSERT_NE(fresh, nullptr);
    EXPECT_EQ(fresh->state, ContainerState::Created);
    EXPECT_FALSE(fresh->started);
    EXPECT_FALSE(fresh->exited);
    EXPECT_TRUE(fresh->created);
}

TEST_P(Recorded, InspectTellsWhatTheListTellsAndMore) {
    const auto listed = read_container_list(reply("containers.json"));
    const auto details = read_container(reply("container.json"));
    ASSERT_TRUE(listed && details);
    const ContainerSummary* row = find_named(*listed, "shop-web");
    ASSERT_NE(row, nullptr);
    const ContainerSummary& same = details->summary;
    EXPECT_EQ(same.id, row->id);
    EXPECT_EQ(same.name, row->name);
    EXPECT_EQ(same.image, row->image);
    EXPECT_EQ(same.image_id, row->image_id);
    EXPECT_EQ(same.state, row->state);
    EXPECT_EQ(same.pid, row->pid);
    EXPECT_EQ(same.pod_id, row->pod_id);
    EXPECT_EQ(same.labels, row->labels);
    EXPECT_EQ(details->annotations.at("note"), "hello");
    EXPECT_FALSE(details->is_service);
    EXPECT_FALSE(details->oom_killed);
    EXPECT_GT(details->conmon_pid, 0);
    ASSERT_TRUE(details->started && row->started);
    EXPECT_EQ(std::chrono::floor<seconds>(*details->started), *row->started);
    EXPECT_FALSE(details->finished);
}

TEST_P(Recorded, InspectTellsAnExit) {
    const auto details = read_container(reply("container_exited.json"));
    ASSERT_TRUE(details);
    EXPECT_EQ(details->summary.exit_code, 3);
    EXPECT_EQ(details->summary.state, ContainerState::Exited);
    ASSERT_TRUE(details->started && details->finished);
    EXPECT_GE(*details->finished, *details->started);
}

TEST_P(Recorded, PodsComeTheSameFromListAndInspect) {
    const auto listed = read_pod_list(reply("pods.json"));
    const auto pod = read_pod(reply("pod.json"));
    ASSERT_TRUE(listed && pod);
    ASSERT_EQ(listed->size(), 1U);
    for (const PodSummary& one : {listed->front(), *pod}) {
        EXPECT_EQ(one.name, "shop");
        EXPECT_EQ(one.id, pod->id);
        EXPECT_EQ(one.status, PodStatus::Running);
        EXPECT_EQ(one.infra_id, pod->infra_id);
        EXPECT_EQ(one.labels.at("io.podreeve.app"), "shop");
        EXPECT_TRUE(one.created);
        EXPECT_EQ(one.members.size(), 2U);
        const auto* web = find_named(one.members, "shop-web");
        ASSERT_NE(web, nullptr);
        EXPECT_EQ(web->state, ContainerState::Running);
    }
    EXPECT_EQ(pod->infra_id.size(), 64U);
}

TEST_P(Recorded, CreatedThingsHaveTheirId) {
    for (const char* file : {"container_created.json", "pod_created.json"}) {
        const auto id = read_id(reply(file));
        ASSERT_TRUE(id) << file;
        EXPECT_EQ(id->size(), 64U);
    }
}

TEST_P(Recorded, RemovalsThatWentWellHaveNoErrors) {
    EXPECT_EQ(read_removal_errors(reply("removed.json")).value_or("?"), "");
    EXPECT_EQ(read_pod_removal_errors(reply("pod_removed.json")).value_or("?"), "");
    EXPECT_EQ(read_pod_errors(reply("pod_started.json")), "");
}

TEST_P(Recorded, APodThatCouldNotStartNamesTheReason) {
    EXPECT_NE(read_pod_errors(reply("error_pod_start.json")).find("address already in use"),
              std::string::npos);
}

TEST_P(Recorded, ImagesVolumesNetworksAndSecrets) {
    const auto image = read_image(reply("image.json"));
    ASSERT_TRUE(image);
    EXPECT_EQ(image->id.size(), 64U);
    EXPECT_EQ(image->names.at(0), "localhost/busybox:latest");
    const auto volumes = read_volume_list(reply("volumes.json"));
    ASSERT_TRUE(volumes);
    const VolumeDetails* data = find_named(*volumes, "shop-data");
    ASSERT_NE(data, nullptr);
    EXPECT_EQ(data->driver, "local");
    EXPECT_TRUE(data->mountpoint.ends_with("/shop-data/_data"));
    EXPECT_EQ(data->labels.at("io.podreeve.app"), "shop");
    EXPECT_FALSE(data->anonymous);
    const auto networks = read_network_list(reply("networks.json"));
    ASSERT_TRUE(networks);
    const NetworkDetails* shop = find_named(*networks, "shop");
    ASSERT_NE(shop, nullptr);
    EXPECT_TRUE(shop->dns_enabled);
    EXPECT_EQ(shop->labels.at("io.podreeve.app"), "shop");
    const auto secrets = read_secret_list(reply("secrets.json"));
    ASSERT_TRUE(secrets);
    EXPECT_NE(find_named(*secrets, "shop-pass"), nullptr);
}

TEST_P(Recorded, InfoTellsTheHost) {
    const auto info = read_info(reply("info.json"));
    ASSERT_TRUE(info);
    EXPECT_EQ(info->version, GetParam());
    EXPECT_EQ(info->runtime, "crun");
    EXPECT_EQ(info->cgroup_version, "v2");
    EXPECT_TRUE(info->rootless);
    EXPECT_TRUE(info->volume_path.ends_with("/volumes"));
    EXPECT_FALSE(info->event_logger.empty());
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

TEST_P(Recorded, EventsTellWhatHappenedInOrder) {
    std::vector<std::string> reported;
    std::int64_t last = 0;
    for (const std::string& line : lines_of(reply("events.ndjson"))) {
        const auto event = read_event(line);
        ASSERT_TRUE(event) << event.error().message;
        if (event->type == "container" || event->type == "pod") {
            EXPECT_EQ(event->id.size(), 64U);  // those of volumes and secrets have none
        }
        EXPECT_GE(event->time_nano, last);
        last = event->time_nano;
        if (event->name == "once") {
            reported.push_back(event->type + " " + event->action);
        }
        if (event->name == "once" && event->action == "died") {
            EXPECT_EQ(event->attributes.at("containerExitCode"), "3");
        }
    }
    EXPECT_EQ(reported,
              (std::vector<std::string>{"container start", "container died", "container remove"}));
}

TEST_P(Recorded, AFailedPullTellsItsError) {
    PullLine last;
    for (const std::string& line : lines_of(reply("pull_failed.ndjson"))) {
        if (!line.empty()) {
            const auto read = read_pull_line(line);
            ASSERT_TRUE(read);
            last = *read;
        }
    }
    EXPECT_NE(last.error.find("connection refused"), std::string::npos);
    EXPECT_EQ(last.id, "");
}

TEST_P(Recorded, PlayTellsItsPods) {
    const auto report = read_play_report(reply("play.json"));
    ASSERT_TRUE(report);
    ASSERT_EQ(report->pods.size(), 1U);
    EXPECT_EQ(report->pods[0].id.size(), 64U);
    EXPECT_TRUE(report->pods[0].containers.empty());
    EXPECT_EQ(report->service_container_id, "");
}

// Every reader, so that none is forgotten when replies are broken.
struct Reader {
    const char* name;
    const char* file;
    std::function<std::optional<Error>(std::string_view)> read;
};

template <class Result>
std::optional<Error> error_of(const Result& result) {
    return result ? std::nullopt : std::optional<Error>(result.error());
}

const std::vector<Reader>& readers() {
    using View = std::string_view;
    static const std::vector<Reader> kReaders{
        {"containers", "containers.json", [](View b) { return error_of(read_container_list(b)); }},
        {"container", "container.json", [](View b) { return error_of(read_container(b)); }},
        {"pods", "pods.json", [](View b) { return error_of(read_pod_list(b)); }},
        {"pod", "pod.json", [](View b) { return error_of(read_pod(b)); }},
        {"id", "pod_created.json", [](View b) { return error_of(read_id(b)); }},
        {"removal", "removed.json", [](View b) { return error_of(read_removal_errors(b)); }},
        {"pod removal", "pod_removed.json",
         [](View b) { return error_of(read_pod_removal_errors(b)); }},
        {"image", "image.json", [](View b) { return error_of(read_image(b)); }},
        {"volumes", "volumes.json", [](View b) { return error_of(read_volume_list(b)); }},
        {"networks", "networks.json", [](View b) { return error_of(read_network_list(b)); }},
        {"secrets", "secrets.json", [](View b) { return error_of(read_secret_list(b)); }},
        {"play", "play.json", [](View b) { return error_of(read_play_report(b)); }},
        {"info", "info.json", [](View b) { return error_of(read_info(b)); }},
        {"event", "removed.json", [](View b) { return error_of(read_event(b)); }},
        {"pull", "play.json", [](View b) { return error_of(read_pull_line(b)); }},
    };
    return kReaders;
}

TEST(Readers, CallAnythingThatIsNotJsonCorrupt) {
    for (const Reader& reader : readers()) {
        for (const std::string& body :
             {std::string("<html>"), std::string("{\"Id\":"), std::string("[{]"),
              std::string("[1 2]"), std::string("{} {}"), std::string("\xff\xfe"),
              std::string("\0x", 2)}) {
            const auto error = reader.read(body);
            ASSERT_TRUE(error) << reader.name << " took " << body;
            EXPECT_EQ(error->code, Code::Corrupt) << reader.name << " with " << body;
        }
    }
}

TEST(Readers, CallEveryReplyThatIsCutCorrupt) {
    for (const Reader& reader : readers()) {
        const std::string whole = recorded("5.4.2", reader.file);
        const std::size_t end = whole.find_last_of("]}");
        for (std::size_t cut = 1; cut < end; cut += 1 + end / 97) {
            const auto error = reader.read(std::string_view(whole).substr(0, cut));
            ASSERT_TRUE(error) << reader.name << " cut at " << cut;
            EXPECT_EQ(error->code, Code::Corrupt) << reader.name << " cut at " << cut;
        }
    }
}

TEST(Readers, TakeOddTypesForEmpty) {
    const auto rows = read_container_list(
        R"([{"Id":7,"Names":null,"Labels":[],"Pid":"x","State":{},"Mounts":"m","Networks":{"a":1},
             "Created":3,"StartedAt":"soon","ExitedAt":1e300,"ExitCode":1.5,"IsInfra":"yes"},7,null,[]])");
    ASSERT_TRUE(rows) << rows.error().message;
    ASSERT_EQ(rows->size(), 4U);
    for (const ContainerSummary& row : *rows) {
        EXPECT_EQ(row.id, "");
        EXPECT_EQ(row.name, "");
        EXPECT_EQ(row.state, ContainerState::Unknown);
        EXPECT_TRUE(row.labels.empty());
        EXPECT_TRUE(row.networks.empty());
        EXPECT_FALSE(row.started || row.exited || row.created);
        EXPECT_FALSE(row.is_infra);
    }
    const auto details = read_container(
        R"({"Id":"a","State":[],"Config":{"Labels":[1],"Annotations":"x"},"Mounts":{},"HostConfig":3})");
    ASSERT_TRUE(details);
    EXPECT_EQ(details->summary.state, ContainerState::Unknown);
    const auto pods = read_pod_list(R"([{"Containers":[null,{"Id":1}],"Status":9},{}])");
    ASSERT_TRUE(pods);
    EXPECT_EQ(pods->at(0).members.size(), 2U);
}

TEST(Readers, ReadTheHealthOfBothShapes) {
    const auto off = read_container_list(R"([{"Id":"a","Status":"reset"}])");
    ASSERT_TRUE(off);
    EXPECT_EQ(off->front().health, "");
    const auto four = read_container(R"({"Id":"a","State":{"Healthcheck":{"Status":"healthy"}}})");
    const auto five = read_container(R"({"Id":"a","State":{"Health":{"Status":"starting"}}})");
    ASSERT_TRUE(four && five);
    EXPECT_EQ(four->summary.health, "healthy");
    EXPECT_EQ(five->summary.health, "starting");
}

TEST(Readers, FindTheErrorInsideASuccess) {
    EXPECT_EQ(read_removal_errors(R"([{"Id":"a","Err":null},{"Id":"b","Err":"is in use"},
                                      {"Id":"c","Err":"cannot stop"}])")
                  .value_or(""),
              "is in use; cannot stop");
    EXPECT_EQ(read_removal_errors(R"([{"Id":"a","Err":"no such container"}])").value_or("?"), "");
    EXPECT_EQ(read_pod_removal_errors(R"({"Err":"bad","RemovedCtrs":{"x":"worse","y":null}})")
                  .value_or(""),
              "bad; worse");
    EXPECT_EQ(read_pull_line(R"({"cause":"c","message":"no space","response":500})")->error,
              "no space");
}

TEST(Readers, TakeAnErrorInTheEventStreamForWhatItIs) {
    const auto event = read_event(R"({"cause":"x","message":"journal is gone","response":500})");
    ASSERT_FALSE(event);
    EXPECT_EQ(event.error().code, Code::Internal);
    EXPECT_NE(event.error().message.find("journal is gone"), std::string::npos);
}

TEST(Readers, TakeARangeOfPortsApartToItsEnd) {
    const auto containers = read_container_list(
        R"([{"Ports":[{"host_port":40000,"container_port":80,"range":20000,"protocol":"tcp"}]}])");
    ASSERT_TRUE(containers);
    const auto& ports = containers->front().ports;
    ASSERT_EQ(ports.size(), 20000U);
    EXPECT_EQ(ports.back().host_port, 59999);
    EXPECT_EQ(ports.back().container_port, 20079);
}

// A reply of a few hundred bytes could stand for gigabytes.
TEST(Readers, TakeApartNoMorePortsThanHostsHave) {
    std::string rows = R"({"Ports":[{"host_port":80,"range":3}]})";
    for (int i = 0; i < 9; ++i) {
        rows += R"(,{"Ports":[{"range":65536}]})";
    }
    const auto containers = read_container_list("[" + rows + "]");
    ASSERT_TRUE(containers);
    EXPECT_EQ(containers->front().ports.size(), 3U);
    std::size_t ports = 0;
    for (const ContainerSummary& container : *containers) {
        ports += container.ports.size();
    }
    EXPECT_LE(ports, 4U * 65536);
}

TEST(Readers, TellWhatPodmanSaysOnOneLine) {
    const auto event = read_event(R"({"message":"gone\n\u001b[2J"})");
    ASSERT_FALSE(event);
    EXPECT_EQ(event.error().message, R"(cannot read an event: podman: gone\n\x1b[2J)");
    const auto pruned = read_volume_prune(R"([{"Id":"a\nb","Err":"in use\n"}])");
    ASSERT_FALSE(pruned);
    EXPECT_EQ(pruned.error().message, R"(cannot remove volume a\nb: in use)");
}

}  // namespace
}  // namespace podreeve::podman::wire
