#include "runtime/prober/grpc_dialogue.h"

#include <gtest/gtest.h>

namespace podreeve::prober {
namespace {

using namespace std::string_literals;
using probe::Outcome;

probe::ProbeSpec probe(const std::string& service = "") {
    probe::ProbeSpec out;
    out.kind = probe::Protocol::Grpc;
    out.ports = {9000};
    out.service = service;
    return out;
}

std::string frame(char type, char flags, char stream, const std::string& payload) {
    return std::string{'\0', '\0',  static_cast<char>(payload.size()), type, flags, '\0', '\0',
                       '\0', stream} +
           payload;
}

const std::string kSettings = frame(4, 0, 0, "");
const std::string kSettingsAck = frame(4, 1, 0, "");

std::string message(const std::string& protobuf) {
    return "\0\0\0\0"s + static_cast<char>(protobuf.size()) + protobuf;
}

// By RFC 9113 and RFC 7541, byte by byte.
TEST(GrpcDialogue, AsksOnceInHttp2) {
    const probe::ProbeSpec asked = probe("db");
    const std::string opening = GrpcDialogue(asked, 9000).opening();
    const std::string headers = "\x83\x86"s + "\x04\x1c/grpc.health.v1.Health/Check"s +
                                "\x01\x0elocalhost:9000"s +
                                "\x0f\x10\x10"
                                "application/grpc"s +
                                "\0\x02te\x08trailers"s + "\x0f\x2b\x10podreeve-probe/1"s;
    EXPECT_EQ(opening, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + kSettings + frame(1, 4, 1, headers) +
                           frame(0, 1, 1,
                                 message("\x0a\x02"
                                         "db")));
}

TEST(GrpcDialogue, AsksForTheServerAsAWholeWithAnEmptyMessage) {
    const probe::ProbeSpec asked = probe();
    const std::string opening = GrpcDialogue(asked, 9000).opening();
    EXPECT_EQ(opening.substr(opening.size() - 14), frame(0, 1, 1, message("")));
}

struct Case {
    const char* name;
    std::string heard;
    std::optional<DialogueResult> result;
    std::string reply;
};

DialogueResult failure(const std::string& text) {
    return {Outcome::Failure, text};
}

TEST(GrpcDialogue, TellsByTheMessageHoweverTheAnswerIsCut) {
    const std::string headers = frame(1, 4, 1, "\x88");
    const Case cases[] = {
        {"serving", kSettings + headers + frame(0, 0, 1, message("\x08\x01")),
         DialogueResult{Outcome::Success, ""}, kSettingsAck},
        {"message in two frames",
         kSettings + headers + frame(0, 0, 1, message("\x08\x01").substr(0, 3)) +
             frame(0, 0, 1, message("\x08\x01").substr(3)),
         DialogueResult{Outcome::Success, ""}, kSettingsAck},
        {"padded", kSettings + frame(0, 8, 1, "\x02" + message("\x08\x01") + "\0\0"s),
         DialogueResult{Outcome::Success, ""}, kSettingsAck},
        {"ping before", kSettings + frame(6, 0, 0, "12345678") + frame(6, 1, 0, "12345678"),
         std::nullopt, kSettingsAck + frame(6, 1, 0, "12345678")},
        {"not serving", kSettings + frame(0, 0, 1, message("\x08\x02")),
         failure("port 9000: NOT_SERVING"), kSettingsAck},
        {"unknown", kSettings + frame(0, 0, 1, message("")), failure("port 9000: UNKNOWN"),
         kSettingsAck},
        {"a status of tomorrow", kSettings + frame(0, 0, 1, message("\x08\x63")),
         failure("port 9000: a status that gRPC does not know"), kSettingsAck},
        {"trailers only", kSettings + frame(1, 5, 1, "\x88"),
         failure("port 9000: no gRPC health service"), kSettingsAck},
        {"reset", kSettings + frame(3, 0, 1, "\0\0\0\x08"s),
         failure("port 9000: the server ends the call"), kSettingsAck},
        {"going away", kSettings + frame(7, 0, 0, "\0\0\0\0\0\0\0\0"s),
         failure("port 9000: the server ends the call"), kSettingsAck},
        {"compressed", kSettings + frame(0, 0, 1, "\x01\0\0\0\x01x"s),
         failure("port 9000: an answer that is compressed or too long"), kSettingsAck},
        {"http", "HTTP/1.1 400 Bad Request\r\n", failure("port 9000: the answer is not HTTP/2"),
         ""},
        {"other frames", kSettings + frame(8, 0, 0, "\0\0\0\1"s) + frame(99, 0, 0, "?"),
         std::nullopt, kSettingsAck},
    };
    const probe::ProbeSpec asked = probe();
    for (const Case& c : cases) {
        for (const std::size_t step : {c.heard.size(), std::size_t{1}, std::size_t{5}}) {
            GrpcDialogue dialogue(asked, 9000);
            std::optional<DialogueResult> result;
            std::string reply;
            for (std::size_t at = 0; at < c.heard.size() && !result; at += step) {
                result = dialogue.hear(std::string_view(c.heard).substr(at, step), reply);
            }
            EXPECT_EQ(result, c.result) << c.name;
            EXPECT_EQ(reply, c.reply) << c.name;
        }
    }
}

TEST(GrpcDialogue, NamesTheServiceItAskedFor) {
    const probe::ProbeSpec asked = probe("shop");
    GrpcDialogue dialogue(asked, 9000);
    std::string reply;
    EXPECT_EQ(dialogue.hear(kSettings + frame(1, 5, 1, "\x88"), reply),
              failure("port 9000: service shop no gRPC health service of that name"));
    EXPECT_EQ(dialogue.closed(), failure("port 9000: service shop closed without an answer"));
}

TEST(GrpcDialogue, GivesUpOnAServerThatSaysTooMuchAndNoAnswer) {
    const std::string rows[] = {kSettingsAck,
                                frame(6, 1, 0, "12345678"),
                                frame(6, 0, 0, "12345678"),
                                frame(8, 0, 0, "\0\0\0\1"s),
                                frame(99, 0, 0, std::string(100, '?')),
                                frame(0, 0, 1, "")};
    const probe::ProbeSpec asked = probe();
    for (const std::string& each : rows) {
        GrpcDialogue dialogue(asked, 9000);
        std::string reply;
        std::optional<DialogueResult> result = dialogue.hear(kSettings, reply);
        int frames = 1;
        for (; frames < 1000 && !result; ++frames) {
            result = dialogue.hear(each, reply);
        }
        EXPECT_EQ(result, failure("port 9000: says too much and no answer"));
        EXPECT_EQ(frames, 65);
        EXPECT_LT(reply.size(), 2000U) << "nor do we";
    }
}

TEST(GrpcDialogue, CountsTheBytesToo) {
    const probe::ProbeSpec asked = probe();
    GrpcDialogue dialogue(asked, 9000);
    std::string reply;
    std::optional<DialogueResult> result = dialogue.hear(kSettings, reply);
    const std::string large = "\0\x40\0\x63\0\0\0\0\0"s + std::string(16384, '?');
    int frames = 0;
    for (; frames < 10 && !result; ++frames) {
        result = dialogue.hear(large, reply);
    }
    EXPECT_EQ(result, failure("port 9000: says too much and no answer"));
    EXPECT_EQ(frames, 4);
}

}  // namespace
}  // namespace podreeve::prober
