#include "runtime/http/client.h"

#include <atomic>
#include <future>
#include <optional>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"
#include "tests/unit/http/scripted_server.h"

namespace podreeve::http {
namespace {

using namespace std::chrono_literals;

Request get(std::string target = "/x") {
    Request request;
    request.target = std::move(target);
    request.timeout = 10s;
    return request;
}

Request post(std::string body) {
    Request request = get();
    request.method = "POST";
    request.body = std::move(body);
    request.content_type = "application/json";
    return request;
}

void answer_all(Connection& connection) {
    while (connection.read_request()) {
        connection.reply("{}");
    }
}

Duration time_of(const std::function<void()>& action) {
    const SystemClock clock;
    const SteadyTime begin = clock.steady_now();
    action();
    return clock.steady_now() - begin;
}

TEST(Client, GivesStatusHeadersAndBody) {
    ScriptedServer server([](Connection& connection) {
        connection.read_request();
        connection.write(
            "HTTP/1.1 404 Not Found\r\nX-Thing:  Some Value \r\nContent-Length: 4\r\n\r\ngone");
    });
    HttpClient client(server.path());
    const auto response = client.call(get());
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 404);
    EXPECT_EQ(response->headers.at("x-thing"), "Some Value");
    EXPECT_EQ(response->body, "gone");
}

TEST(Client, SendsWhatItIsToldAndNoMore) {
    std::promise<std::string> seen;
    ScriptedServer server([&](Connection& connection) {
        seen.set_value(connection.read_request().value_or(""));
        connection.reply("{}");
    });
    Request request = post(std::string(3 << 20, 'x'));  // curl would ask for leave with Expect
    request.headers["X-More"] = "yes";
    ASSERT_TRUE(HttpClient(server.path()).call(request));
    const std::string sent = seen.get_future().get();
    EXPECT_TRUE(sent.starts_with("POST /x HTTP/1.1\r\n"));
    EXPECT_NE(sent.find("Content-Type: application/json\r\n"), std::string::npos);
    EXPECT_NE(sent.find("X-More: yes\r\n"), std::string::npos);
    EXPECT_EQ(sent.find("Expect:"), std::string::npos);
    EXPECT_TRUE(sent.ends_with("xxx"));
}

TEST(Client, SendsNoContentTypeWithoutOne) {
    std::promise<std::string> seen;
    ScriptedServer server([&](Connection& connection) {
        seen.set_value(connection.read_request().value_or(""));
        connection.reply("{}");
    });
    Request request = post("");
    request.content_type.clear();
    ASSERT_TRUE(HttpClient(server.path()).call(request));
    const std::string sent = seen.get_future().get();
    EXPECT_EQ(sent.find("Content-Type"), std::string::npos);
    EXPECT_NE(sent.find("Content-Length: 0\r\n"), std::string::npos);
}

TEST(Client, KeepsItsConnectionForReads) {
    ScriptedServer server(answer_all);
    HttpClient client(server.path());
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(client.call(get()));
    }
    EXPECT_EQ(server.connections(), 1U);
}

TEST(Client, ReadsAgainWhenItsKeptConnectionDiedMeanwhile) {
    ScriptedServer server([](Connection& connection) {
        connection.read_request();
        connection.reply("{}");
        if (connection.number == 0) {
            connection.read_request();  // and break off without an answer
            return;
        }
        answer_all(connection);
    });
    HttpClient client(server.path());
    ASSERT_TRUE(client.call(get()));
    const auto second = client.call(get());
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(server.connections(), 2U);
}

TEST(Client, NeverSendsAMutatingRequestTwice) {
    std::atomic<int> posts = 0;
    ScriptedServer server([&](Connection& connection) {
        while (const auto request = connection.read_request()) {
            if (request->starts_with("POST")) {
                ++posts;
                return;  // carried out, but the answer is lost
            }
            connection.reply("{}");
        }
    });
    HttpClient client(server.path());
    ASSERT_TRUE(client.call(get()));  // leaves a connection that could be used again
    const auto lost = client.call(post("{}"));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, Code::Unavailable);
    EXPECT_EQ(posts, 1);
}

TEST(Client, SaysUnavailableWhenThereIsNoSocket) {
    const fakes::TempDir temp;
    HttpClient client(temp.path() / "absent.sock");
    const auto response = client.call(get());
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::Unavailable);
    EXPECT_NE(response.error().message.find("absent.sock"), std::string::npos);
}

TEST(Client, SaysUnavailableWhenAReplyIsCutOff) {
    struct Row {
        std::string_view name, sent;
    };

    for (const Row& row :
         {Row{"nothing", ""}, Row{"in the status", "HTTP/1.1 20"},
          Row{"in the headers", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"},
          Row{"in a header", "HTTP/1.1 200 OK\r\nContent-Le"},
          Row{"in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"},
          Row{"in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n123"},
          Row{"between chunks",
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"}}) {
        ScriptedServer server([&](Connection& connection) {
            connection.read_request();
            connection.write(row.sent);
        });
        const auto response = HttpClient(server.path()).call(get());
        ASSERT_FALSE(response) << row.name;
        EXPECT_EQ(response.error().code, Code::Unavailable) << row.name;
    }
}

TEST(Client, SaysTimeoutWhenTheDeadlineIsOver) {
    ScriptedServer server([](Connection& connection) { connection.wait_for_close(); });
    HttpClient client(server.path());
    Request request = get();
    request.timeout = 50ms;
    Result<Response> response = Error{};
    const Duration took = time_of([&] { response = client.call(request); });
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::Timeout);
    EXPECT_GE(took, 45ms) << "and the server would never answer";
}

TEST(Client, SaysTimeoutWhenAStreamFallsSilent) {
    std::string got;
    Result<Response> response = Error{};
    // The silence counts from the call: on a machine that stalls nothing may have come by then.
    for (int i = 0; i < 20 && got.empty(); ++i) {
        ScriptedServer server([](Connection& connection) {
            connection.read_request();
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
            connection.wait_for_close();
        });
        Request request = get();
        request.timeout = Duration::zero();
        request.idle_timeout = 50ms;
        request.sink = [&](std::string_view piece) { return got.append(piece).size() < 100; };
        response = HttpClient(server.path()).call(request);
        ASSERT_FALSE(response);
        EXPECT_EQ(response.error().code, Code::Timeout);
    }
    EXPECT_EQ(got, "x");
}

TEST(Client, EndsAtOnceWhenAskedToStop) {
    std::promise<void> asked;
    ScriptedServer server([&](Connection& connection) {
        connection.read_request();
        asked.set_value();
        connection.wait_for_close();
    });
    HttpClient client(server.path());
    std::stop_source stop;
    Request request = get();
    request.timeout = Duration::zero();
    request.stop = stop.get_token();
    auto call = std::async(std::launch::async, [&] { return client.call(request); });
    asked.get_future().wait();
    stop.request_stop();
    const auto response = call.get();  // a poll that nobody woke would sleep for an hour
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::Cancelled);
}

TEST(Client, DoesNotBeginWhenAlreadyStopped) {
    ScriptedServer server(answer_all);
    std::stop_source stop;
    stop.request_stop();
    Request request = get();
    request.stop = stop.get_token();
    const auto response = HttpClient(server.path()).call(request);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::Cancelled);
    EXPECT_EQ(server.connections(), 0U);
}

TEST(Client, HandsAStreamOnPieceByPiece) {
    std::promise<void> first_seen;
    ScriptedServer server([&](Connection& connection) {
        connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
        first_seen.get_future().wait();  // the first piece must arrive before there is a second
        connection.write("3\r\ntwo\r\n0\r\n\r\n");
    });
    Request request = get();
    std::vector<std::string> pieces;
    request.sink = [&](std::string_view piece) {
        pieces.emplace_back(piece);
        if (pieces.size() == 1) {
            first_seen.set_value();
        }
        return true;
    };
    const auto response = HttpClient(server.path()).call(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(pieces, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(response->body, "");
}

TEST(Client, EndsAStreamWhenItsReaderHasEnough) {
    ScriptedServer server([](Connection& connection) {
        connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
        connection.wait_for_close();
    });
    Request request = get();
    request.sink = [](std::string_view) { return false; };
    const auto response = HttpClient(server.path()).call(request);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::Cancelled);
}

TEST(Client, KeepsTheBodyOfAnErrorFromTheReaderOfAStream) {
    ScriptedServer server([](Connection& connection) {
        connection.read_request();
        connection.reply("{\"message\":\"no\"}", "500 Internal Server Error");
    });
    Request request = get();
    bool called = false;
    request.sink = [&](std::string_view) { return called = true; };
    const auto response = HttpClient(server.path()).call(request);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, "{\"message\":\"no\"}");
    EXPECT_FALSE(called);
}

TEST(Client, RefusesABodyThatIsTooLarge) {
    ScriptedServer server([](Connection& connection) {
        connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n");
        const std::string mib(1 << 20, 'x');
        for (int i = 0; i < 190 && connection.write(mib); ++i) {
        }
    });
    const auto response = HttpClient(server.path()).call(get());
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::Corrupt);
}

TEST(Client, ContainsASinkThatThrows) {
    ScriptedServer server([](Connection& connection) {
        connection.read_request();
        connection.reply("abc");
    });
    Request request = get();
    request.sink = [](std::string_view) -> bool { throw std::runtime_error("no"); };
    const auto response = HttpClient(server.path()).call(request);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::Internal);
}

TEST(Client, ServesManyThreadsAtOnce) {
    ScriptedServer server([](Connection& connection) {
        while (const auto request = connection.read_request()) {
            connection.reply(request->substr(0, request->find(" HTTP")));
        }
    });
    HttpClient client(server.path(), 2);
    std::atomic<int> right = 0;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 8; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < 25; ++i) {
                    const std::string target = "/" + std::to_string(t * 100 + i);
                    const auto response = client.call(get(target));
                    right += response && response->body == "GET " + target ? 1 : 0;
                }
            });
        }
    }
    EXPECT_EQ(right, 200);
}

// The kernel tells of a socket who listened on it; of this thread alone.
class AsUser {
  public:
    explicit AsUser(uid_t user) : before_(::geteuid()) { become(user); }

    ~AsUser() { become(before_); }

  private:
    static void become(uid_t user) { ::syscall(SYS_setresuid, -1, user, -1); }

    uid_t before_;
};

TEST(Client, SaysNothingToAServerOfAnotherUser) {
    // Only root can listen as somebody else; to others it is they who are the other user.
    const uid_t other = ::geteuid() == 0 ? 65534 : ::geteuid();
    std::atomic<int> heard = 0;
    std::optional<ScriptedServer> server;
    {
        const AsUser listens(other);
        server.emplace([&](Connection& connection) {
            while (connection.read_request()) {
                ++heard;
                connection.reply("{}");
            }
        });
    }
    HttpClient guarded(server->path(), 1, other + 1);
    for (int i = 0; i < 2; ++i) {
        const auto refused = guarded.call(post("s3cret"));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Code::Denied);
        EXPECT_EQ(refused.error().message,
                  fmt::format("cannot use {}: user {} serves it, and not user {} or root",
                              server->path(), other, other + 1));
    }
    EXPECT_EQ(heard, 0);
    HttpClient own(server->path(), 1, other);
    EXPECT_TRUE(own.call(get()));
    EXPECT_TRUE(own.call(post("x")));
    HttpClient anybody(server->path());
    EXPECT_TRUE(anybody.call(get()));
}

TEST(Client, SpeaksToAServerOfItsOwnUserAndOfRoot) {
    ScriptedServer server(answer_all);
    HttpClient own(server.path(), 1, ::geteuid());
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(own.call(get())) << "kept connections too";
    }
    EXPECT_EQ(server.connections(), 1U);
    if (::geteuid() == 0) {
        HttpClient other(server.path(), 1, 4242);
        EXPECT_TRUE(other.call(get())) << "root may serve everybody";
    }
}

}  // namespace
}  // namespace podreeve::http
