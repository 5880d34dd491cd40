#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "runtime/base/clock.h"
#include "runtime/podman/types.h"

namespace podreeve::fakes {

using nlohmann::json;
using nlohmann::ordered_json;

// What a container's process does. Nothing of it takes time: a program that exits does so before
// the reply to the start.
struct Program {
    struct Line {
        int stream = 1;  // 1 stdout, 2 stderr
        std::string text;
        bool partial = false;  // without the end of a line
    };

    std::vector<Line> output;    // written at each start
    std::optional<int> exits;    // at once, with this code; else it runs until somebody ends it
    std::optional<int> on_term;  // exits so when told to stop; else SIGKILL has to (137)
    std::string start_error;     // the runtime cannot start it: podman's words
};

Program program_that_exits(int code);
Program program_that_cannot_start(const std::string& error);

// The program a command line means: the few shell words the tests use (echo, true, false, exit,
// sleep, trap), and for everything else one that runs for ever and ignores SIGTERM, as any process
// does that is PID 1 and has no handler.
Program program_of(const std::vector<std::string>& command);

// A command that is run in a container.
struct ExecSession {
    std::string container;  // id
    Program program;
    std::string state = "created";  // running, stopped
    int exit_code = 0;
    std::int64_t pid = 0;
};

struct LogLine {
    Program::Line line;
    WallTime time;
};

struct Container {
    std::string id, name, image, image_id, image_digest, pod_id;
    json spec;  // the body of the create, completed from the image
    std::string state = "created";
    WallTime created;
    std::optional<WallTime> started, finished;
    int exit_code = 0;
    std::int64_t pid = 0, conmon_pid = 0;
    std::uint64_t sequence = 0;
    unsigned lock_number = 0;
    bool infra = false, service = false, stopped_by_user = false;
    bool zombie = false;  // process and conmon are gone and podman does not know
    std::vector<std::string> service_pods;
    std::string error;
    std::vector<LogLine> log;

    std::string init_type() const { return spec.value("init_container_type", ""); }
};

struct Pod {
    std::string id, name, infra_id, service_id;
    json spec;
    WallTime created;
    std::uint64_t sequence = 0;
    unsigned lock_number = 0;
};

struct Image {
    std::string id, digest;
    std::vector<std::string> names;
    std::vector<std::string> entrypoint, command;
    std::vector<std::string> env;
    std::map<std::string, std::string> labels;
    WallTime created;
};

struct Volume {
    std::string name, driver = "local", mountpoint;
    std::map<std::string, std::string> labels, options;
    bool anonymous = false;
    WallTime created;
    unsigned lock_number = 0;
};

struct Network {
    std::string name, id, driver = "bridge", interface;
    std::map<std::string, std::string> labels;
    bool dns_enabled = false, internal = false;
    WallTime created;
    unsigned subnet = 0;
};

struct Secret {
    std::string id, name, data;
    std::map<std::string, std::string> labels;
    WallTime created;
};

struct EventRecord {
    std::string type, action, id, from;
    std::map<std::string, std::string> attributes;
    std::int64_t time_nano = 0;
};

// Everything podman answers with in one value: an HTTP status and a JSON body, or none.
struct Answer {
    int status = 200;
    ordered_json body;
    bool has_body = true;
    std::string content_type = "application/json";
    std::string raw;  // instead of body, when content_type is not JSON
};

Answer ok(ordered_json body, int status = 200);
Answer nothing(int status);
// {"cause","message","response"}; the message is what wraps the cause, with it at the end.
Answer error(int status, const std::string& cause, const std::string& message);
Answer text(const std::string& body, int status = 200);

}  // namespace podreeve::fakes
