#pragma once

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace podreeve::integration {

// One podreeved, or what runs it, as a child of the test; what it writes to stderr is in root/log.
// Killed with this. Its home and its runtime directory are root.
class Daemon {
  public:
    explicit Daemon(std::filesystem::path root) : root_(std::move(root)) {}

    ~Daemon() { kill(); }

    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    // more: environment variables, as KEY=value.
    void start(std::vector<std::string> arguments, const std::vector<std::string>& more = {}) {
        std::vector<std::string> environment = {"PATH=/usr/bin:/bin", "HOME=" + root_.string(),
                                                "XDG_RUNTIME_DIR=" + root_.string()};
        environment.insert(environment.end(), more.begin(), more.end());
        posix_spawn_file_actions_t files;
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawn_file_actions_addopen(&files, 2, (root_ / "log").c_str(),
                                           O_WRONLY | O_CREAT | O_APPEND, 0600);
        const int error = ::posix_spawn(&pid_, arguments.front().c_str(), &files, nullptr,
                                        pointers(arguments).data(), pointers(environment).data());
        ::posix_spawn_file_actions_destroy(&files);
        ASSERT_EQ(error, 0);
    }

    // Its exit code; 128 and the signal that ended it.
    int end(int signal) {
        ::kill(pid_, signal);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    // Nothing where it has ended.
    void kill() {
        if (pid_ != 0) {
            end(SIGKILL);
        }
    }

    pid_t pid() const { return pid_; }

    std::string log() const {
        std::ostringstream text;
        text << std::ifstream(root_ / "log").rdbuf();
        return text.str();
    }

  private:
    static std::vector<char*> pointers(std::vector<std::string>& texts) {
        std::vector<char*> out;
        for (std::string& text : texts) {
            out.push_back(text.data());
        }
        out.push_back(nullptr);
        return out;
    }

    std::filesystem::path root_;
    pid_t pid_ = 0;
};

}  // namespace podreeve::integration
