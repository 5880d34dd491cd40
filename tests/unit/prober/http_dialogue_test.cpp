#include "runtime/prober/http_dialogue.h"

#include <gtest/gtest.h>

namespace podreeve::prober {
namespace {

using probe::Outcome;

probe::ProbeSpec probe(const std::string& path = "/") {
    probe::ProbeSpec out;
    out.kind = probe::Protocol::Http;
    out.ports = {8080};
    out.path = path;
    return out;
}

TEST(HttpDialogue, AsksAsTheKubeletDoes) {
    probe::ProbeSpec asked = probe("/up?x=1");
    asked.headers = {{"X-Key", "1"}};
    EXPECT_EQ(HttpDialogue(asked, 8080).opening(),
              "GET /up?x=1 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: podreeve-probe/1\r\n"
              "Accept: */*\r\nConnection: close\r\nX-Key: 1\r\n\r\n");
    asked.headers = {{"host", "shop.example"}, {"ACCEPT", "a/b"}, {"user-agent", "me"}};
    EXPECT_EQ(HttpDialogue(asked, 8080).opening(),
              "GET /up?x=1 HTTP/1.1\r\nConnection: close\r\nhost: shop.example\r\nACCEPT: a/b\r\n"
              "user-agent: me\r\n\r\n");
    asked = probe();
    asked.host = "fd00::1";
    EXPECT_NE(HttpDialogue(asked, 80).opening().find("Host: [fd00::1]\r\n"), std::string::npos);
    asked.tls = true;
    EXPECT_NE(HttpDialogue(asked, 80).opening().find("Host: [fd00::1]:80\r\n"), std::string::npos);
}

struct Case {
    const char* name;
    std::string final_reply;
    bool closes;  // the server closes after it
    DialogueResult result;
};

const DialogueResult kSuccess{Outcome::Success, ""};

DialogueResult failure(const std::string& text) {
    return {Outcome::Failure, text};
}

// Whole, byte by byte, and in the middle: nothing may depend on how it was cut.
TEST(HttpDialogue, TellsByTheStatusHoweverTheAnswerIsCut) {
    const Case cases[] = {
        {"with a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, kSuccess},
        {"without a body", "HTTP/1.1 204 No Content\r\n\r\n", false, kSuccess},
        {"until the end", "HTTP/1.0 200 OK\r\n\r\nhello", true, kSuccess},
        {"no reason", "HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", false, kSuccess},
        {"in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
         false, kSuccess},
        {"bare newlines", "HTTP/1.0 200 OK\nContent-Length: 0\n\n", false, kSuccess},
        {"redirect",
         "HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: "
         "0\r\n\r\n",
         false, kSuccess},
        {"after a 100", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 399 X\r\nContent-Length: 0\r\n\r\n",
         false, kSuccess},
        {"400", "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", false,
         failure("port 8080: / answered 400")},
        {"503", "HTTP/1.1 503 Busy\r\n\r\nlater", true, failure("port 8080: / answered 503")},
        {"head cut off", "HTTP/1.1 200 OK\r\n", true, failure("port 8080: the answer is not HTTP")},
        {"nothing", "", true, failure("port 8080: closed without an answer")},
        {"ssh", "SSH-2.0-x\r\n", false, failure("port 8080: the answer is not HTTP")},
        {"no number", "HTTP/1.1 OK\r\n\r\n", false, failure("port 8080: the answer is not HTTP")},
    };
    const probe::ProbeSpec asked = probe();
    for (const Case& c : cases) {
        for (const std::size_t step : {c.final_reply.size() + 1, std::size_t{1}, std::size_t{7}}) {
            HttpDialogue dialogue(asked, 8080);
            dialogue.opening();
            std::optional<DialogueResult> result;
            std::string reply;
            for (std::size_t at = 0; at < c.final_reply.size() && !result; at += step) {
                result = dialogue.hear(std::string_view(c.final_reply).substr(at, step), reply);
            }
            EXPECT_EQ(result.has_value(), !c.closes) << c.name;
            EXPECT_EQ(result ? *result : dialogue.closed(), c.result) << c.name;
            EXPECT_EQ(reply, "");
        }
    }
}

TEST(HttpDialogue, HasHeardEnoughAfterTenKilobytes) {
    const probe::ProbeSpec asked = probe();
    HttpDialogue dialogue(asked, 8080);
    std::string reply;
    EXPECT_FALSE(dialogue.hear("HTTP/1.1 200 OK\r\n\r\n", reply));
    EXPECT_FALSE(dialogue.hear(std::string(10 * 1024 - 1, 'x'), reply));
    EXPECT_EQ(dialogue.pending(), "port 8080: the answer does not end");
    EXPECT_EQ(dialogue.hear("x", reply), kSuccess);
}

TEST(HttpDialogue, NeverShowsTheQuery) {
    const probe::ProbeSpec asked = probe("/up?key=hunter2");
    HttpDialogue dialogue(asked, 8080);
    std::string reply;
    const auto result = dialogue.hear("HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", reply);
    EXPECT_EQ(result, failure("port 8080: /up answered 500"));
}

TEST(HttpDialogue, GivesUpOnAHeadWithoutEnd) {
    const probe::ProbeSpec asked = probe();
    HttpDialogue dialogue(asked, 8080);
    std::string reply;
    EXPECT_EQ(dialogue.hear("HTTP/1.1 200 OK\r\n" + std::string(70'000, 'x'), reply),
              failure("port 8080: the answer has no end of headers"));
}

TEST(HttpDialogue, TakesFiveInformationalRepliesAndNoMore) {
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const std::string final_reply = "HTTP/1.1 204 X\r\n\r\n";
    const probe::ProbeSpec asked = probe();
    for (const int replies : {5, 6, 7, 1000}) {
        for (const bool at_once : {true, false}) {
            HttpDialogue dialogue(asked, 8080);
            std::string reply, all;
            std::optional<DialogueResult> result;
            for (int i = 0; i < replies; ++i) {
                all += go_on;
                if (!at_once && !result) {
                    result = dialogue.hear(go_on, reply);
                }
            }
            if (!result) {
                result = dialogue.hear(at_once ? all + final_reply : final_reply, reply);
            }
            EXPECT_EQ(result, replies == 5 ? kSuccess
                                           : failure("port 8080: the answer has no end of headers"))
                << replies << at_once;
        }
    }
}

TEST(HttpDialogue, CountsTheBytesOfAllHeads) {
    const probe::ProbeSpec asked = probe();
    HttpDialogue dialogue(asked, 8080);
    const std::string head = "HTTP/1.1 103 Hints\r\nLink: " + std::string(20'000, 'x') + "\r\n\r\n";
    std::string reply;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(dialogue.hear(head, reply), std::nullopt) << i;
    }
    EXPECT_EQ(dialogue.hear(head, reply), failure("port 8080: the answer has no end of headers"));
}

}  // namespace
}  // namespace podreeve::prober
