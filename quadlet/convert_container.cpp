#include <algorithm>

#include <fmt/format.h>

#include "quadlet/conversion.h"
#include "quadlet/mount.h"

namespace podreeve::quadlet {
namespace {

std::string container_name(const Conversion& c) {
    const std::string own = c.value("ContainerName");
    if (!own.empty()) {
        return own;
    }
    return c.unit().name().templated ? "systemd-%p_%i" : "systemd-%N";
}

void add(Arguments& command, std::string_view flag, std::string value) {
    command.emplace_back(flag);
    command.push_back(std::move(value));
}

void add_stop_commands(Conversion& c) {
    const std::string which = c.before(kByName) ? "--cidfile=%t/%N.cid" : container_name(c);
    const Arguments command = c.podman({"rm", "-v", "-f", "-i", which});
    c.add_command("ExecStop", command);
    c.add_command("ExecStopPost", command);
}

void add_reload_command(Conversion& c) {
    const Arguments command = c.unit().last_arguments("Container", "ReloadCmd");
    const std::string signal = c.value("ReloadSignal");
    if (!command.empty()) {
        Arguments reload = c.podman({"exec", container_name(c)});
        reload.insert(reload.end(), command.begin(), command.end());
        c.add_command("ExecReload", std::move(reload));
    } else if (!signal.empty()) {
        c.add_command("ExecReload", c.podman({"kill", "--signal", signal, container_name(c)}));
    }
}

void add_notify(Conversion& c, Arguments& command) {
    if (c.service().one_shot) {
        return;
    }
    const auto notify = c.unit().value("Container", "Notify").value_or("");
    const bool healthy =
        notify.size() == 7 && std::equal(notify.begin(), notify.end(), "healthy",
                                         [](char a, char b) { return (a | 0x20) == b; });
    const char* mode = c.flag("Notify", false) ? "container" : "conmon";
    command.push_back(fmt::format("--sdnotify={}", healthy ? "healthy" : mode));
    command.emplace_back("-d");
}

void add_security(const Conversion& c, Arguments& command) {
    if (c.flag("NoNewPrivileges", false)) {
        command.emplace_back("--security-opt=no-new-privileges");
    }
    if (c.flag("SecurityLabelDisable", false)) {
        add(command, "--security-opt", "label=disable");
    }
    if (c.flag("SecurityLabelNested", false)) {
        add(command, "--security-opt", "label=nested");
    }
    constexpr std::pair<std::string_view, std::string_view> kOptions[] = {
        {"SecurityLabelType", "label=type:"},
        {"SecurityLabelFileType", "label=filetype:"},
        {"SecurityLabelLevel", "label=level:"},
        {"AppArmor", "apparmor="},
        {"SeccompProfile", "seccomp="}};
    for (const auto& [key, option] : kOptions) {
        if (const std::string value = c.value(key); !value.empty()) {
            add(command, "--security-opt", fmt::format("{}{}", option, value));
        }
    }
    for (const std::string& path : c.unit().arguments("Container", "Mask")) {
        add(command, "--security-opt", "mask=" + path);
    }
    for (const std::string& path : c.unit().arguments("Container", "Unmask")) {
        add(command, "--security-opt", "unmask=" + path);
    }
}

void add_capabilities(const Conversion& c, Arguments& command) {
    constexpr std::pair<std::string_view, std::string_view> kKeys[] = {
        {"DropCapability", "--cap-drop"}, {"AddCapability", "--cap-add"}};
    for (const auto& [key, flag] : kKeys) {
        for (std::string name : c.unit().words("Container", key)) {
            std::transform(name.begin(), name.end(), name.begin(), [](char letter) {
                return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a')
                                                      : letter;
            });
            add(command, flag, std::move(name));
        }
    }
}

// A dash before a device: only if there is one.
void add_devices(const Conversion& c, Arguments& command) {
    for (std::string device : c.unit().words("Container", "AddDevice")) {
        if (device.starts_with('-')) {
            device.erase(0, 1);
            const auto& exists = c.target().exists;
            if (exists && !exists(device.substr(0, device.find(':')))) {
                continue;
            }
        }
        add(command, "--device", std::move(device));
    }
}

void add_files(const Conversion& c, Arguments& command) {
    const auto read_only = c.unit().flag("Container", "ReadOnly");
    if (read_only) {
        command.emplace_back(*read_only ? "--read-only" : "--read-only=false");
    }
    if (c.flag("VolatileTmp", false) && !read_only.value_or(false)) {
        add(command, "--tmpfs", "/tmp:rw,size=512M,mode=1777");
    }
    for (const std::string& file : c.unit().arguments("Container", "EnvironmentFile")) {
        add(command, "--env-file", c.absolute(file));
    }
}

void add_user(const Conversion& c, Arguments& command) {
    const std::string user = c.value("User");
    const std::string group = c.value("Group");
    if (!user.empty()) {
        add(command, "--user", group.empty() ? user : fmt::format("{}:{}", user, group));
    }
}

void add_mounts(Conversion& c, Arguments& command) {
    for (const Setting* setting : c.unit().assignments("Container", "Mount")) {
        for (const std::string& text : mount_texts(*setting)) {
            const auto mount = parse_mount(text);
            if (!mount) {
                continue;
            }
            if (!mount->wants_source) {
                add(command, "--mount", text);
                continue;
            }
            const std::string source =
                mount->source.empty() ? "" : c.storage_source(mount->source, setting, true);
            add(command, "--mount", render_mount(*mount, source));
        }
    }
}

void join_pod(Conversion& c, Arguments& command) {
    const std::string pod = c.value("Pod");
    const Reference* reference =
        pod.empty() ? nullptr : c.refer(pod, c.unit().find("Container", "Pod"));
    if (reference == nullptr) {
        return;
    }
    if (c.before(kByName)) {
        const std::string stem = reference->service.substr(0, reference->service.size() - 8);
        add(command, "--pod-id-file", fmt::format("%t/{}.pod-id", stem));
    } else {
        add(command, "--pod", reference->name);
    }
    c.depend("BindsTo", reference->service);
    c.depend("After", reference->service);
}

void add_entrypoint(const Conversion& c, Arguments& command) {
    const auto entrypoint = c.unit().value("Container", "Entrypoint");
    if (!entrypoint) {
        return;
    }
    if (!c.before(kEmptyEntrypoint)) {
        command.push_back("--entrypoint=" + *entrypoint);
    } else if (!entrypoint->empty()) {
        add(command, "--entrypoint", *entrypoint);
    }
}

void add_start_options(Conversion& c, Arguments& command) {
    add(command, "--name", container_name(c));
    if (c.before(kByName)) {
        command.emplace_back("--cidfile=%t/%N.cid");
    }
    command.insert(command.end(), {"--replace", "--rm"});
    const std::string cgroups = c.value("CgroupsMode");
    if (cgroups.empty()) {
        command.emplace_back("--cgroups=split");
    } else {
        add(command, "--cgroups", cgroups);
    }
    add_entrypoint(c, command);
    c.add_table_options(command);
    if (const std::string update = c.value("AutoUpdate"); !update.empty()) {
        add(command, "--label", "io.containers.autoupdate=" + update);
    }
    for (const std::string& port : c.unit().list("Container", "ExposeHostPort")) {
        add(command, "--expose", port);
    }
}

}  // namespace

void convert_container(Conversion& c) {
    const Unit& unit = c.unit();
    add_stop_commands(c);
    add_reload_command(c);
    Arguments command = c.podman({"run"});
    add_start_options(c, command);
    c.add_networks(command);
    add_notify(c, command);
    add_security(c, command);
    add_devices(c, command);
    add_capabilities(c, command);
    add_files(c, command);
    add_user(c, command);
    c.add_user_mappings(command);
    c.add_volumes(command);
    add_mounts(c, command);
    join_pod(c, command);
    c.add_podman_args(command);
    const std::string image = c.value("Image");
    if (image.empty()) {
        add(command, "--rootfs", c.value("Rootfs"));
    } else {
        c.service().image = image_source(c, image, unit.find("Container", "Image"));
        command.push_back(c.service().image);
    }
    const Arguments exec = unit.last_arguments("Container", "Exec");
    command.insert(command.end(), exec.begin(), exec.end());
    c.add_command("ExecStart", std::move(command));
}

}  // namespace podreeve::quadlet
