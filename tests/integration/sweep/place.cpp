#include "tests/integration/sweep/place.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <regex>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/state/state.h"
#include "tests/integration/picture.h"

namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;

// In memory where that is to be had: the sweep syncs ten thousand times, and no power is cut.
fs::path make_root() {
    std::string path = fs::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
    path += "/podreeve-sweep-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
        throw std::runtime_error("cannot make a directory as " + path);
    }
    return path;
}

pid_t spawn(const std::vector<std::string>& arguments,
            const std::vector<std::string>& environment,
            const fs::path& log) {
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, 2, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const auto pointers = [](const std::vector<std::string>& texts) {
        std::vector<char*> out;
        for (const std::string& text : texts) {
            out.push_back(const_cast<char*>(text.c_str()));
        }
        out.push_back(nullptr);
        return out;
    };
    pid_t pid = 0;
    const int failed = ::posix_spawn(&pid, arguments.front().c_str(), &files, nullptr,
                                     pointers(arguments).data(), pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&files);
    if (failed != 0) {
        throw std::runtime_error("cannot run " + arguments.front());
    }
    return pid;
}

// "containers/create shop-db-db", "containers/ID/start": what a call was about, without what
// differs from host to host.
std::string subject_of(const fakes::FakePodman::Entry& entry) {
    static const std::regex kId("[0-9a-f]{12,64}");
    static const std::regex kVarying("[?].*");
    static const std::regex kName("[?&]name=([^&]*)");
    std::string subject = std::regex_replace(entry.path, kVarying, "");
    const auto body = nlohmann::json::parse(entry.body, nullptr, false);
    std::smatch in_query;
    if (body.is_object() && body.contains("name")) {
        subject += " " + body["name"].get<std::string>();
    } else if (std::regex_search(entry.path, in_query, kName)) {
        subject += " " + in_query[1].str();
    }
    return std::regex_replace(subject, kId, "ID");
}

}  // namespace

Place::Place(const std::string& podman_version) : root(make_root()) {
    fs::create_directories(root / "apps");
    fs::create_directories(root / "podman");
    podman = std::make_unique<fakes::FakePodman>(fakes::FakePodman::Options{
        .version = podman_version, .directory = (root / "podman").string()});
}

Place::~Place() {
    podman.reset();
    std::error_code error;
    fs::remove_all(root, error);
}

void Place::write(const std::string& file, const std::string& text) {
    const fs::path path = root / "apps" / file;
    std::ofstream(path) << text;
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

void Place::mask(const std::string& file) {
    fs::remove(root / "apps" / file);
    fs::create_symlink("/dev/null", root / "apps" / file);
}

RunEnd Place::run(unsigned long kill_at, const fs::path& touches) {
    std::vector<std::string> environment = {
        "PATH=/usr/bin:/bin", "HOME=" + root.string(), "XDG_RUNTIME_DIR=" + root.string(),
        // Leaks are asked for elsewhere, and looked for at each of these thousands of ends.
        "ASAN_OPTIONS=detect_leaks=0", fmt::format("PODREEVE_KILL_AT={}", kill_at)};
    if (!touches.empty()) {
        environment.push_back("PODREEVE_TOUCHES=" + touches.string());
    }
    const fs::path log = root / "log";
    const pid_t pid =
        spawn({PODREEVE_COUNTED, "--once", "--manifests", root / "apps", "--state-dir",
               root / "state", "--podman-socket", podman->socket_path(), "--socket",
               root / "podreeve.sock", "--config", root / "podreeve.yaml"},
              environment, log);
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid) {
        throw std::runtime_error("cannot wait for podreeved");
    }
    std::ostringstream text;
    text << std::ifstream(log).rdbuf();
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
            WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, text.str()};
}

void Place::keep() {
    kept_ = podman->keep();
    fs::remove_all(root / "state.kept");
    if (fs::exists(root / "state")) {
        fs::copy(root / "state", root / "state.kept", fs::copy_options::recursive);
    }
}

void Place::begin_again() {
    podman->put_back(*kept_);
    podman->clear_journal();
    fs::remove_all(root / "state");
    if (fs::exists(root / "state.kept")) {
        fs::copy(root / "state.kept", root / "state", fs::copy_options::recursive);
    }
}

std::string Place::picture() {
    std::string out = picture_of(*podman);
    SystemClock clock;
    auto state = state::State::open(root / "state", clock);
    if (!state) {
        throw std::runtime_error(state.error().message);
    }
    for (const state::AppRecord& app : (*state)->apps()) {
        out += fmt::format("app {} generation {} {} deployed {}\n", app.name, app.generation,
                           app.spec, app.deployed_spec);
    }
    for (const state::ChangeView& change : (*state)->changes()) {
        if (!change.is_ready) {
            out += fmt::format("change {} has not ended: {}\n", change.id, change.summary);
        }
    }
    return std::regex_replace(out, std::regex((*state)->owner()), "OWNER");
}

std::vector<std::string> Place::effects() const {
    std::vector<std::string> effects;
    for (const fakes::FakePodman::Entry& entry : podman->journal()) {
        // 304: it was so already. 409 and the like: refused.
        if (entry.method != "GET" && entry.status >= 200 && entry.status < 300) {
            effects.push_back(fmt::format("{} {}", entry.method, subject_of(entry)));
        }
    }
    std::sort(effects.begin(), effects.end());
    return effects;
}

}  // namespace podreeve::integration
