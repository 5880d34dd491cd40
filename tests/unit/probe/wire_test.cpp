#include "runtime/probe/wire.h"

#include <gtest/gtest.h>

namespace podreeve::probe::wire {
namespace {

ProbeSpec full_question() {
    ProbeSpec out;
    out.kind = Protocol::Grpc;
    out.pid = 4711;
    out.host = "::1";
    out.ports = {80, 65535};
    out.path = "/up?x=1";
    out.tls = true;
    out.headers = {{"Host", "shop"}, {"Empty", ""}};
    out.service = "shop.v1";
    out.timeout = std::chrono::milliseconds(1500);
    return out;
}

TEST(Wire, CarriesEveryOrder) {
    const std::string packet =
        kFirstByte + write(Learn{7, full_question(), "gone"}) + write(Forget{8}) +
        write(Ask{{1, 2, 3}}) + write(Ask{}) + write(Learn{9, {}}) +
        write(Keep{10, std::chrono::milliseconds(300), std::chrono::seconds(2)});
    const auto orders = read_orders(packet);
    ASSERT_TRUE(orders);
    ASSERT_EQ(orders->size(), 6U);
    EXPECT_EQ(std::get<Learn>((*orders)[0]).probe, 7U);
    EXPECT_EQ(std::get<Learn>((*orders)[0]).what, full_question());
    EXPECT_EQ(std::get<Learn>((*orders)[0]).trouble, "gone");
    EXPECT_EQ(std::get<Forget>((*orders)[1]).probe, 8U);
    EXPECT_EQ(std::get<Ask>((*orders)[2]).probes, (std::vector<std::uint32_t>{1, 2, 3}));
    EXPECT_TRUE(std::get<Ask>((*orders)[3]).probes.empty());
    EXPECT_EQ(std::get<Learn>((*orders)[4]).what, ProbeSpec{});
    EXPECT_EQ(std::get<Keep>((*orders)[5]).probe, 10U);
    EXPECT_EQ(std::get<Keep>((*orders)[5]).first, std::chrono::milliseconds(300));
    EXPECT_EQ(std::get<Keep>((*orders)[5]).period, std::chrono::seconds(2));
}

TEST(Wire, RefusesOrdersThatAreCutAnywhere) {
    const std::string packet = kFirstByte + write(Learn{7, full_question()});
    for (std::size_t size = 2; size < packet.size(); ++size) {
        EXPECT_FALSE(read_orders(packet.substr(0, size))) << size;
    }
    EXPECT_FALSE(read_orders(std::string{kFirstByte, '\x7f'}));
    EXPECT_TRUE(read_orders(std::string{kFirstByte})->empty());
}

TEST(Wire, SaysWhichVersionsDoNotUnderstandEachOther) {
    const struct {
        std::string first;
        const char* version;
    } rows[] = {
        {"\x83", "version 3"}, {"\xFF", "version 127"}, {"\x01", "version 1"}, {"", "version 1"}};

    for (const auto& [first, version] : rows) {
        const auto orders = read_orders(first + write(Forget{1}));
        ASSERT_FALSE(orders) << version;
        EXPECT_EQ(orders.error().code, Code::Unsupported);
        EXPECT_NE(orders.error().message.find(std::string("the agent speaks ") + version + " "),
                  std::string::npos)
            << orders.error().message;
        const auto results = read_results(first);
        ASSERT_FALSE(results) << version;
        EXPECT_EQ(results.error().code, Code::Unsupported);
        EXPECT_NE(results.error().message.find("restart the agent"), std::string::npos);
    }
}

TEST(Wire, CarriesAnswersInAsManyPacketsAsItTakes) {
    std::vector<ProbeResult> results;
    for (std::uint32_t i = 0; i < 2000; ++i) {
        results.push_back({i, i % 2 == 0 ? Outcome::Success : Outcome::Failure,
                           i % 2 == 0 ? "" : std::string(200, 'x')});
    }
    std::vector<ProbeResult> read;
    const auto packets = write_results(results);
    EXPECT_GT(packets.size(), 1U);
    for (const std::string& packet : packets) {
        EXPECT_LE(packet.size(), kMaxPacket);
        const auto part = read_results(packet);
        ASSERT_TRUE(part);
        read.insert(read.end(), part->begin(), part->end());
    }
    EXPECT_EQ(read, results);
    EXPECT_TRUE(write_results({}).empty());
}

TEST(Wire, CutsALongText) {
    const auto packets = write_results({{1, Outcome::Failure, std::string(100'000, 'x')}});
    ASSERT_EQ(packets.size(), 1U);
    EXPECT_EQ(read_results(packets[0])->at(0).text, std::string(240, 'x'));
}

TEST(Wire, CutsALongTextBetweenTwoCharacters) {
    const std::string text = std::string(239, 'x') + "é and more";
    const auto results = read_results(write_results({{1, Outcome::Failure, text}}).at(0));
    ASSERT_TRUE(results);
    EXPECT_EQ(results->at(0).text, std::string(239, 'x'));
}

TEST(Wire, ShowsWhatIsNoText) {
    const auto results = read_results(write_results({{1, Outcome::Failure, "\xFF\x1B[2J"}}).at(0));
    ASSERT_TRUE(results);
    EXPECT_EQ(results->at(0).text, R"(\xff\x1b[2J)");
}

TEST(Wire, RefusesAnOutcomeThatThereIsNot) {
    std::string packet = write_results({{7, Outcome::Unknown, ""}}).front();
    const std::size_t outcome = packet.find(static_cast<char>(Outcome::Unknown), 2 + 4);
    ASSERT_NE(outcome, std::string::npos);
    EXPECT_TRUE(read_results(packet));
    packet[outcome] = static_cast<char>(Outcome::Unknown) + 1;
    EXPECT_FALSE(read_results(packet));
}

TEST(Wire, RefusesAnswersThatAreCut) {
    const std::string packet = write_results({{1, Outcome::Failure, "why"}})[0];
    for (std::size_t size = 3; size < packet.size(); ++size) {
        EXPECT_FALSE(read_results(packet.substr(0, size))) << size;
    }
    EXPECT_FALSE(read_results(""));
    EXPECT_FALSE(read_results(kFirstByte + write(Forget{1})));
}

}  // namespace
}  // namespace podreeve::probe::wire
