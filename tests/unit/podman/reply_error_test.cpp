#include "runtime/podman/reply_error.h"

#include <gtest/gtest.h>

#include "tests/unit/podman/recorded.h"

namespace podreeve::podman {
namespace {

Error error_of(int status, std::string body, const std::vector<std::string>& secrets = {}) {
    return reply_error(http::Response{status, {}, std::move(body)}, "do it", secrets);
}

TEST(ReplyError, TellsWhatPodmansWordsMean) {
    struct Row {
        int status;
        const char* body;
        Code code;
    };

    for (const Row& row : {
             Row{404, R"({"cause":"no such container","message":"m"})", Code::NotFound},
             Row{404, R"({"cause":"container already exists","message":"m"})", Code::Conflict},
             Row{404, "page not found", Code::NotFound},
             Row{409, R"({"cause":"container state improper","message":"m"})", Code::Conflict},
             Row{400, R"({"message":"bad filter"})", Code::InvalidArgument},
             Row{403, "{}", Code::Denied},
             Row{503, "", Code::Unavailable},
             Row{500, R"({"message":"name x is already in use: y"})", Code::Conflict},
             Row{500, R"({"message":"s1: secret name in use"})", Code::Conflict},
             Row{500, R"({"message":"volume already exists"})", Code::Conflict},
             Row{500, R"({"message":"UNIQUE constraint failed: ContainerConfig.Name"})",
                 Code::Conflict},
             Row{500, R"({"message":"listen tcp: bind: address already in use"})", Code::Conflict},
             Row{500, R"({"message":"c is the service container of pod(s) p"})", Code::Conflict},
             Row{500, R"({"cause":"image not known","message":"m"})", Code::NotFound},
             Row{500, R"({"cause":"network not found","message":"m"})", Code::NotFound},
             Row{500, R"({"cause":"no such pod","message":"m"})", Code::NotFound},
             Row{500, R"({"cause":"no such container","message":"m"})", Code::Internal},
             Row{500, R"({"cause":"invalid argument","message":"m"})", Code::InvalidArgument},
             Row{500, R"({"cause":"container state improper","message":"m"})", Code::Conflict},
             Row{500, R"({"cause":"x","message":"crun: no such file"})", Code::Internal},
             Row{500, "not json", Code::Internal},
         }) {
        EXPECT_EQ(error_of(row.status, row.body).code, row.code) << row.body;
    }
}

TEST(CodeOfPull, TellsAnAbsentImageFromARegistryThatIsAway) {
    EXPECT_EQ(code_of_pull("reading manifest 1 in x/nope: manifest unknown"), Code::NotFound);
    EXPECT_EQ(code_of_pull("repository name not known to registry"), Code::NotFound);
    EXPECT_EQ(code_of_pull("reading manifest: unauthorized: log in"), Code::Denied);
    EXPECT_EQ(code_of_pull("dial tcp [::1]:5999: connect: connection refused"), Code::Unavailable);
}

TEST(ReplyError, KnowsEveryRecordedError) {
    for (const char* version : kVersions) {
        EXPECT_EQ(error_of(500, recorded(version, "error_name_in_use.json")).code, Code::Conflict);
        EXPECT_EQ(error_of(500, recorded(version, "error_no_image.json")).code, Code::NotFound);
        EXPECT_EQ(error_of(404, recorded(version, "error_no_container.json")).code, Code::NotFound);
    }
}

TEST(ReplyError, KeepsPodmansOwnWords) {
    EXPECT_EQ(error_of(500, R"({"cause":"c","message":"it broke","response":500})").message,
              "cannot do it: podman: it broke");
    EXPECT_EQ(error_of(500, "").message, "cannot do it: podman: answered 500 without a reason");
}

TEST(ReplyError, ReadsTheFirstOfTwoBodies) {
    EXPECT_EQ(error_of(500, "{\"message\":\"first\"}\n{\"message\":\"second\"}\n").message,
              "cannot do it: podman: first");
}

TEST(ReplyError, IsOneLineOfText) {
    EXPECT_EQ(error_of(500, R"({"message":"crun: \u001b[31mno\nsuch \u009b\n"})").message,
              R"(cannot do it: podman: crun: \x1b[31mno\nsuch \u009b)");
    EXPECT_EQ(error_of(500, "{\"message\":\"\xFF\"}").message,
              "cannot do it: podman: answered 500 without a reason");
}

TEST(ReplyError, BlotsSecretsOut) {
    const Error error = error_of(500, R"({"message":"bad env PASS=hunter2, hunter2 again, A=1"})",
                                 {"hunter2", "1", ""});
    EXPECT_EQ(error.message.find("hunter2"), std::string::npos);
    EXPECT_NE(error.message.find("PASS=[secret], [secret] again, A=1"), std::string::npos);
}

}  // namespace
}  // namespace podreeve::podman
