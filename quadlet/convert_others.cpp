#include <cctype>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "quadlet/conversion.h"
#include "quadlet/naming.h"

namespace podreeve::quadlet {
namespace {

// The name as the commands have it: never empty for these types.
std::string own_name(const Conversion& c) {
    return name_in_references(c.unit(), c.target().podman);
}

bool is_url(std::string_view text) {
    return text.starts_with("http://") || text.starts_with("https://") ||
           text.starts_with("git://") || text.find("github.com/") != std::string_view::npos;
}

// uid and gid as the generator reads them: also octal and hexadecimal.
std::string id_number(const std::string& text) {
    return fmt::format("{}", std::strtoul(text.c_str(), nullptr, 0));
}

void add_pod_commands(Conversion& c) {
    const bool by_file = c.before(kByName);
    const std::string name = own_name(c);
    const std::string timeout = c.value("StopTimeout").empty() ? "10" : c.value("StopTimeout");
    if (by_file) {
        const std::string file = "--pod-id-file=%t/%N.pod-id";
        c.add_command("ExecStart", c.podman({"pod", "start", file}));
        c.add_command("ExecStop", c.podman({"pod", "stop", file, "--ignore", "--time=10"}));
        c.add_command("ExecStopPost", c.podman({"pod", "rm", file, "--ignore", "--force"}));
        return;
    }
    c.add_command("ExecStart", c.podman({"pod", "start", name}));
    c.add_command("ExecStop", c.podman({"pod", "stop", "--ignore", "--time=" + timeout, name}));
    c.add_command("ExecStopPost", c.podman({"pod", "rm", "--ignore", "--force", name}));
}

void add_pairs(Arguments& command, std::string_view flag, const std::string& value) {
    command.emplace_back(flag);
    command.push_back(value);
}

std::string join(const std::string& a, const std::string& b) {
    return a.empty() || b.empty() ? a + b : a + "," + b;
}

// What goes into -o of a local volume.
std::string mount_options(const Conversion& c) {
    std::string options;
    if (const std::string user = c.value("User"); !user.empty()) {
        options = "uid=" + id_number(user);
    }
    if (const std::string group = c.value("Group"); !group.empty()) {
        options = join(options, "gid=" + id_number(group));
    }
    return join(options, c.value("Options"));
}

void add_local_volume(Conversion& c, Arguments& command) {
    if (const auto copy = c.unit().flag("Volume", "Copy")) {
        add_pairs(command, "--opt", *copy ? "copy" : "nocopy");
    }
    const std::string device = c.value("Device");
    const std::string type = c.value("Type");
    if (!device.empty()) {
        add_pairs(command, "--opt", "device=" + device);
    }
    if (!type.empty()) {
        add_pairs(command, "--opt", "type=" + type);
        if (type == "bind" && !c.before(kBindDevices)) {
            c.depend("RequiresMountsFor", device);
        }
    }
    if (const std::string options = mount_options(c); !options.empty()) {
        add_pairs(command, "--opt", "o=" + options);
    }
}

void add_subnets(const Conversion& c, Arguments& command) {
    const Arguments subnets = c.unit().list("Network", "Subnet");
    const Arguments gateways = c.unit().list("Network", "Gateway");
    const Arguments ranges = c.unit().list("Network", "IPRange");
    for (std::size_t i = 0; i < subnets.size(); ++i) {
        add_pairs(command, "--subnet", subnets[i]);
        if (i < gateways.size()) {
            add_pairs(command, "--gateway", gateways[i]);
        }
        if (i < ranges.size()) {
            add_pairs(command, "--ip-range", ranges[i]);
        }
    }
}

std::string folder_of(const std::string& path) {
    return std::filesystem::path(path).parent_path().string();
}

// The context that podman builds in, the last argument; empty for none.
std::string build_context(const Conversion& c) {
    const std::string setting = c.value("SetWorkingDirectory");
    const std::string file = c.value("File");
    const std::string own = c.unit().value("Service", "WorkingDirectory").value_or("");
    if (!setting.empty() && setting != "file" && setting != "unit") {
        const bool beside = !setting.starts_with('/') && !is_url(setting);
        return beside && !own.empty() ? own : setting;
    }
    if (file.starts_with('/') || is_url(file)) {
        return {};
    }
    if (!own.empty()) {
        return own;
    }
    return folder_of(c.absolute(setting == "file" ? file : c.unit().path()));
}

void add_auto_update(const Conversion& c, Arguments& command) {
    for (const std::string& update : c.unit().words("Kube", "AutoUpdate")) {
        const std::size_t slash = update.find('/');
        const std::string container =
            slash == std::string::npos ? "" : "/" + update.substr(0, slash);
        const std::string policy = slash == std::string::npos ? update : update.substr(slash + 1);
        command.push_back(
            fmt::format("--annotation=io.containers.autoupdate{}={}", container, policy));
    }
}

}  // namespace

void convert_pod(Conversion& c) {
    const std::string name = own_name(c);
    add_pod_commands(c);
    Arguments command = c.podman({"pod", "create", "--infra-conmon-pidfile=%t/%N.pid"});
    if (c.before(kByName)) {
        command.emplace_back("--pod-id-file=%t/%N.pod-id");
    }
    command.emplace_back("--replace");
    if (c.before(kExitPolicy)) {
        command.emplace_back("--exit-policy=stop");
    } else {
        const std::string policy = c.value("ExitPolicy");
        add_pairs(command, "--exit-policy", policy.empty() ? "stop" : policy);
    }
    c.add_user_mappings(command);
    c.add_networks(command);
    c.add_table_options(command);
    c.add_volumes(command);
    add_pairs(command, "--infra-name", name + "-infra");
    add_pairs(command, "--name", name);
    c.add_podman_args(command);
    c.add_command("ExecStartPre", std::move(command));
}

void convert_kube(Conversion& c) {
    Arguments files;
    for (const std::string& file : c.unit().words("Kube", "Yaml")) {
        files.push_back(c.absolute(file));
    }
    Arguments command = c.podman({"kube", "play", "--replace", "--service-container=true"});
    c.add_table_options(command);
    c.add_user_mappings(command);
    c.add_networks(command);
    add_auto_update(c, command);
    for (const std::string& map : c.unit().words("Kube", "ConfigMap")) {
        add_pairs(command, "--configmap", c.absolute(map));
    }
    c.add_podman_args(command);
    command.insert(command.end(), files.begin(), files.end());
    c.add_command("ExecStart", std::move(command));
    Arguments stop = c.podman({"kube", "down"});
    if (const auto force = c.unit().flag("Kube", "KubeDownForce")) {
        stop.emplace_back(*force ? "--force" : "--force=false");
    }
    stop.insert(stop.end(), files.begin(), files.end());
    c.add_command("ExecStopPost", std::move(stop));
}

void convert_volume(Conversion& c) {
    Arguments command = c.podman({"volume", "create", "--ignore"});
    c.add_table_options(command);
    if (c.value("Driver") == "image") {
        const std::string image =
            image_source(c, c.value("Image"), c.unit().find("Volume", "Image"));
        add_pairs(command, "--opt", "image=" + image);
    } else {
        add_local_volume(c, command);
    }
    c.add_podman_args(command);
    command.push_back(own_name(c));
    c.add_command("ExecStart", std::move(command));
}

void convert_network(Conversion& c) {
    Arguments command = c.podman({"network", "create", "--ignore"});
    c.add_table_options(command);
    add_subnets(c, command);
    c.add_podman_args(command);
    command.push_back(own_name(c));
    if (c.flag("NetworkDeleteOnStop", false)) {
        c.add_command("ExecStopPost", c.podman({"network", "rm", own_name(c)}));
    }
    c.add_command("ExecStart", std::move(command));
}

void convert_image(Conversion& c) {
    Arguments command = c.podman({"image", "pull"});
    c.add_table_options(command);
    c.add_podman_args(command);
    c.service().image = c.value("Image");
    command.push_back(c.service().image);
    c.add_command("ExecStart", std::move(command));
}

void convert_build(Conversion& c) {
    c.service().image = own_name(c);
    Arguments command = c.podman({"build"});
    c.add_table_options(command);
    c.add_networks(command);
    c.add_volumes(command);
    if (const std::string file = c.value("File"); !file.empty()) {
        add_pairs(command, "--file", file);
    }
    c.add_podman_args(command);
    if (const std::string context = build_context(c); !context.empty()) {
        command.push_back(context);
    }
    c.add_command("ExecStart", std::move(command));
}

}  // namespace podreeve::quadlet
