#include <fmt/format.h>

#include "runtime/podman/json_fields.h"
#include "runtime/podman/log_frames.h"
#include "runtime/podman/reply_error.h"
#include "runtime/podman/session.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {
namespace {

// SubPath of a named volume came with 5.0: an older podman would take no notice and mount the
// whole.
constexpr Version kVolumeSubPath{5, 0, 0};

std::string path_of(const std::string& who, std::string_view verb) {
    return "/containers/" + http::encode(who) + std::string(verb);
}

Effect effect_of(const http::Response& reply) {
    return reply.status == 304 ? Effect::AlreadySo : Effect::Changed;
}

std::vector<std::string> values_of(const std::map<std::string, std::string>& env) {
    std::vector<std::string> out;
    for (const auto& [name, value] : env) {
        out.push_back(value);
    }
    return out;
}

std::optional<std::string> true_if(bool flag) {
    return flag ? std::optional<std::string>("true") : std::nullopt;
}

std::string removal_query(const RemoveOptions& options) {
    std::optional<std::string> timeout;
    if (options.timeout_seconds) {
        timeout = std::to_string(*options.timeout_seconds);
    }
    return http::query({{"force", true_if(options.force)},
                        {"depend", true_if(options.depend)},
                        {"volumes", true_if(options.volumes)},  // libpod's name for docker's v
                        {"timeout", timeout}});
}

bool uses_sub_path(const ContainerCreate& create) {
    for (const NamedVolume& volume : create.volumes) {
        if (!volume.sub_path.empty()) {
            return true;
        }
    }
    return false;
}

}  // namespace

Result<std::vector<ContainerSummary>> Client::list_containers(const CallOptions& call) {
    LibpodCall ask{.what = "list the containers"};
    ask.path = "/containers/json" + http::query({{"all", "true"}});
    ASSIGN_OR_RETURN(const std::string body, wire_->session.list(std::move(ask), call));
    return wire::read_container_list(body);
}

Result<ContainerDetails> Client::inspect_container(const std::string& who,
                                                   const CallOptions& call) {
    LibpodCall ask{.what = "inspect container " + who};
    ask.path = path_of(who, "/json");
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_container(reply.body);
}

Result<std::string> Client::create_container(const ContainerCreate& create,
                                             const CallOptions& call) {
    LibpodCall ask{.what = "create container " + create.name, .method = "POST"};
    if (uses_sub_path(create)) {
        ASSIGN_OR_RETURN(const Version version, this->version(call));
        if (version < kVolumeSubPath) {
            return fail(Code::Unsupported,
                        fmt::format("cannot {}: podman {}.{} cannot mount a part of a volume",
                                    ask.what, version.major, version.minor));
        }
    }
    ask.path = "/containers/create";
    ask.body = wire::write_container_create(create);
    ask.secrets = values_of(create.env);
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_id(reply.body);
}

Status Client::init_container(const std::string& who, const CallOptions& call) {
    LibpodCall ask{.what = "make container ready: " + who, .method = "POST"};
    ask.path = path_of(who, "/init");
    RETURN_IF_ERROR(wire_->session.call(ask, call));
    return {};
}

Result<Effect> Client::start_container(const std::string& who, const CallOptions& call) {
    LibpodCall ask{.what = "start container " + who, .method = "POST"};
    ask.path = path_of(who, "/start");
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return effect_of(reply);
}

Result<Effect> Client::stop_container(const std::string& who,
                                      unsigned grace_seconds,
                                      const CallOptions& call) {
    LibpodCall ask{.what = "stop container " + who, .method = "POST"};
    ask.path = path_of(who, "/stop") + http::query({{"timeout", std::to_string(grace_seconds)}});
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return effect_of(reply);
}

Status Client::kill_container(const std::string& who,
                              const std::string& signal,
                              const CallOptions& call) {
    LibpodCall ask{.what = fmt::format("send {} to container {}", signal, who), .method = "POST"};
    ask.path = path_of(who, "/kill") + http::query({{"signal", signal}});
    RETURN_IF_ERROR(wire_->session.call(ask, call));
    return {};
}

Status Client::unpause_container(const std::string& who, const CallOptions& call) {
    LibpodCall ask{.what = "unpause container " + who, .method = "POST"};
    ask.path = path_of(who, "/unpause");
    const auto reply = wire_->session.call(ask, call);
    const bool was_not = !reply && reply.error().message.find("is not paused") != std::string::npos;
    return reply || was_not ? Status() : Status(reply.error());
}

Status Client::remove_container(const std::string& who,
                                const RemoveOptions& options,
                                const CallOptions& call) {
    LibpodCall ask{.what = "remove container " + who, .method = "DELETE"};
    ask.path = path_of(who, removal_query(options));
    const auto reply = wire_->session.call(ask, call);
    if (!reply) {
        return reply.error().code == Code::NotFound ? Status() : Status(reply.error());
    }
    ASSIGN_OR_RETURN(const std::string errors, wire::read_removal_errors(reply->body));
    if (!errors.empty()) {
        return fail(says_conflict(errors) ? Code::Conflict : Code::Internal,
                    fmt::format("cannot {}: podman: {}", ask.what, podman_words(errors)));
    }
    return {};
}

Result<std::optional<std::string>> Client::stray_storage(const std::string& name,
                                                         const CallOptions& call) {
    LibpodCall ask{.what = "look for the storage of " + name};
    ask.path = "/containers/json" + http::query({{"all", "true"}, {"external", "true"}});
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    ASSIGN_OR_RETURN(const Json rows, parse_json(reply.body, "the list of containers"));
    for (const Json& row : rows) {
        // Podman has no field for it; "buildah" is its word for Buildah's.
        if (texts_in(row, "Names") == std::vector{name} &&
            texts_in(row, "Command") == std::vector<std::string>{"storage"} &&
            number_in(row, "StartedAt") <= 0) {
            return text_in(row, "Id");
        }
    }
    return std::nullopt;
}

Status Client::rename_container(const std::string& who,
                                const std::string& name,
                                const CallOptions& call) {
    LibpodCall ask{.what = fmt::format("rename container {} to {}", who, name), .method = "POST"};
    ask.path = path_of(who, "/rename") + http::query({{"name", name}});
    RETURN_IF_ERROR(wire_->session.call(ask, call));
    return {};
}

Result<int> Client::wait_container(const std::string& who, const CallOptions& call) {
    LibpodCall ask{.what = "wait for container " + who, .method = "POST"};
    ask.path = path_of(who, "/wait?condition=exited&condition=stopped");
    RETURN_IF_ERROR(wire_->session.call(ask, call));
    ASSIGN_OR_RETURN(const ContainerDetails found, inspect_container(who, call));
    const ContainerState state = found.summary.state;
    if (state != ContainerState::Exited && state != ContainerState::Stopped) {
        return fail(Code::Conflict, fmt::format("cannot {}: it is {}, so podman waited for nothing",
                                                ask.what, to_string(state)));
    }
    return found.summary.exit_code;
}

Status Client::container_logs(const std::string& who,
                              unsigned tail,
                              bool follow,
                              const std::function<bool(int, std::string_view)>& on_line,
                              const CallOptions& call) {
    LibpodCall ask{.what = "read the log of container " + who};
    ask.path = path_of(who, "/logs") + http::query({{"stdout", "true"},
                                                    {"stderr", "true"},
                                                    {"tail", std::to_string(tail)},
                                                    {"follow", true_if(follow)}});
    ask.endless = follow;
    bool ended = false;
    LogFrames frames([&](int stream, std::string_view line) {
        ended = !on_line(stream, line);
        return !ended;
    });
    ask.sink = [&](std::string_view piece) { return frames.feed(piece); };
    const auto reply = wire_->session.call(ask, call);
    if (!reply && !ended) {
        return reply.error();
    }
    if (!ended) {
        frames.finish();
    }
    return {};
}

}  // namespace podreeve::podman
