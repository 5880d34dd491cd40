#include "runtime/podman/list_cutter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/podman/client.h"
#include "runtime/podman/wire.h"
#include "tests/unit/http/scripted_server.h"
#include "tests/unit/podman/recorded.h"

namespace podreeve::podman {
namespace {

std::string cut(std::string_view text, std::size_t step = 1000) {
    ListCutter cutter;
    for (std::size_t at = 0; at < text.size(); at += step) {
        cutter.feed(text.substr(at, step));
    }
    return cutter.text();
}

// So many labels that sort before podreeve's own, as podman writes them.
std::string labels(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
        text += fmt::format(R"("a{:07}":"some value, with \"quotes\" and {{brackets}}]",)", i);
    }
    return text + R"("io.podreeve.app":"web","io.podreeve.owner":"o1","z":"last")";
}

std::string row(const std::string& name, const std::string& labels_of, const std::string& command) {
    return fmt::format(
        R"({{"Command":[{}],"Id":"id-{}","Labels":{{{}}},"Mounts":["/a","/b"],"Names":["{}"],)"
        R"("Pid":7,"Ports":null,"State":"running"}})",
        command, name, labels_of, name);
}

TEST(ListCutter, LeavesASmallListAsItIs) {
    const std::string text =
        "[" + row("web", labels(3), "\"sh\", \"-c\"") + " , " + row("db", "", "") + "]";
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, text.size()}) {
        const auto whole = wire::read_container_list(text);
        const auto rows = wire::read_container_list(cut(text, step));
        ASSERT_TRUE(whole && rows) << cut(text, step);
        ASSERT_EQ(rows->size(), 2U);
        EXPECT_EQ((*rows)[0].labels, (*whole)[0].labels);
        EXPECT_EQ((*rows)[0].mounts, (*whole)[0].mounts);
        EXPECT_EQ((*rows)[1].name, "db");
    }
}

TEST(ListCutter, KeepsOfManyLabelsTheFirstAndThoseOfItsOwn) {
    const std::string text =
        "[" + row("big", labels(100'000), "") + "," + row("web", labels(2), "") + "]";
    const std::string kept = cut(text);
    EXPECT_LT(kept.size(), 2 * ListCutter::kMostOfMember);
    const auto rows = wire::read_container_list(kept);
    ASSERT_TRUE(rows) << kept.substr(0, 300);
    ASSERT_EQ(rows->size(), 2U);
    EXPECT_EQ((*rows)[0].labels.at("io.podreeve.owner"), "o1");
    EXPECT_TRUE((*rows)[0].labels.contains("a0000000"));
    EXPECT_FALSE((*rows)[0].labels.contains("z"));
    EXPECT_EQ((*rows)[0].name, "big") << "what comes after them";
    EXPECT_EQ((*rows)[1].labels.size(), 5U);
}

TEST(ListCutter, BoundsWhatLooksLikeItsOwn) {
    std::string own;
    for (int i = 0; i < 100'000; ++i) {
        own += fmt::format(R"("io.podreeve.{:07}":"x",)", i);
    }
    const std::string kept = cut("[" + row("big", own + "\"z\":\"\"", "") + "]");
    EXPECT_LT(kept.size(), 3 * ListCutter::kMostOfMember);
    EXPECT_TRUE(wire::read_container_list(kept));
}

TEST(ListCutter, ReadsALongTextAsAnEmptyOne) {
    const std::string text =
        "[" +
        row("big", fmt::format(R"("a":"{}","b":"x")", std::string(1'000'000, 'v')),
            fmt::format("\"{}\"", std::string(1'000'000, '\\'))) +
        "]";
    const auto rows = wire::read_container_list(cut(text));
    ASSERT_TRUE(rows) << cut(text).substr(0, 200);
    EXPECT_EQ((*rows)[0].labels.at("a"), "");
    EXPECT_EQ((*rows)[0].labels.at("b"), "x");
    EXPECT_LT(cut(text).size(), 1000U);
}

TEST(ListCutter, LosesNoMemberOfAPod) {
    std::string members;
    for (int i = 0; i < 5000; ++i) {
        members += fmt::format(R"({}{{"Id":"c{}","Names":"n{}","Status":"running"}})",
                               i == 0 ? "" : ",", i, i);
    }
    const std::string text = R"([{"Containers":[)" + members + R"(],"Id":"p1","Labels":{)" +
                             labels(50'000) + R"(},"Name":"web"}])";
    const auto pods = wire::read_pod_list(cut(text));
    ASSERT_TRUE(pods) << cut(text).substr(0, 200);
    EXPECT_EQ((*pods)[0].members.size(), 5000U);
    EXPECT_EQ((*pods)[0].labels.at("io.podreeve.app"), "web");
}

TEST(ListCutter, MakesNoListOfWhatIsNone) {
    for (const char* text : {"[1 2]", "[1,,2]", "[1,]", "[,1]", "[{\"a\":tr ue}]", "[{\"a\" 1}]",
                             "[{\"a\":1,}]", "[{\"a\":1 \"b\":2}]", "[{\"a\":}]", "[}", "[[1]", "]",
                             "[] []", "{\"a\":1]", "[\"a\" \"b\"]", "[{\"a\":1:2}]"}) {
        EXPECT_FALSE(wire::read_container_list(cut(text))) << text << " became " << cut(text);
    }
    EXPECT_FALSE(wire::read_container_list(cut(std::string(100, '[') + std::string(100, ']'))));
}

TEST(ListCutter, SavesTheListOfAllFromTheLabelsOfOne) {
    std::string large;
    for (int i = 0; i < 7000; ++i) {
        large += fmt::format(R"("a{:07}":"{}",)", i, std::string(10'000, 'v'));
    }
    const std::string body =
        "[" + row("big", large + labels(0), "") + "," + row("web", "", "") + "]";
    ASSERT_GT(body.size(), http::kMaxBody);
    http::ScriptedServer server([&](http::Connection& connection) {
        while (const auto request = connection.read_request()) {
            const bool is_list = request->find("/containers/json") != std::string::npos;
            connection.write("HTTP/1.1 200 OK\r\nLibpod-API-Version: 5.4.2\r\nContent-Length: " +
                             std::to_string(is_list ? body.size() : 2) + "\r\n\r\n" +
                             (is_list ? body : "OK"));
        }
    });
    Client client(server.path());
    const auto rows = client.list_containers({});
    ASSERT_TRUE(rows) << rows.error().message;
    ASSERT_EQ(rows->size(), 2U);
    EXPECT_EQ((*rows)[0].labels.at("io.podreeve.owner"), "o1");
    EXPECT_EQ((*rows)[1].name, "web");
}

}  // namespace
}  // namespace podreeve::podman
