#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "runtime/base/paths.h"
#include "runtime/base/result.h"
#include "runtime/systemd/call.h"
#include "runtime/systemd/scope.h"

// Podman's generator of units, that systemd runs at each reload: where it is, where it reads, and
// what it would make of some files. After podman-systemd.unit(5) and systemd.generator(7).
namespace podreeve::systemd {

struct QuadletGenerator {
    std::filesystem::path program;
    Scope scope = Scope::User;
};

// No companion can run here, and why, with what would help.
struct NoQuadlet {
    std::string why;
};

// The generator that systemd would run: the first of its name in systemd's generator directories,
// unless it is masked or no program. root is put before them, for tests.
std::variant<QuadletGenerator, NoQuadlet> find_quadlet(Scope scope,
                                                       const std::filesystem::path& root = "/");

// Where Quadlet reads, in the order in which a name is taken, first wins; each is read with its
// subdirectories. install is the one of them that is ours to write to: it outlives a reboot and
// belongs to the user, or to the host's administrator. NotFound when neither $XDG_CONFIG_HOME nor
// $HOME tells.
struct QuadletDirectories {
    std::filesystem::path install;
    std::vector<std::filesystem::path> search;
};

Result<QuadletDirectories> quadlet_directories(uid_t uid, const Environment& environment);

// What a generator says about the files of the directories it was run on. A file that it cannot
// parse takes all others of its directory with it, though not those of directories below and
// beside: these have neither a service nor an error. One that it cannot convert drops alone, and a
// drop-in that it cannot parse is left out of a unit that is made all the same.
struct DryRun {
    // What it would hand to systemd: name of the unit ("web.service") → its text.
    std::map<std::string, std::string> services;
    // What it made each from: name of the unit → file, by the SourcePath= in its text.
    std::map<std::string, std::filesystem::path> sources;
    // Its errors by the name of the file ("web.container") they speak of, in its own words and in
    // its order; under "" those that name none. A file with errors may have a service all the same.
    std::map<std::string, std::vector<std::string>> errors;
    // What it only warns of, likewise.
    std::map<std::string, std::vector<std::string>> warnings;
};

// Runs the generator on these directories, first wins, and on no others; nothing is installed.
// Older generators exit with 0 whatever happened: what counts is whether services has the unit.
// An error is only a generator that cannot be run or did not end by itself. Blocks: for workers.
Result<DryRun> dry_run(const QuadletGenerator& generator,
                       const std::vector<std::filesystem::path>& directories,
                       const Call& call);

// The parts of it that need no program.
DryRun read_dry_run(const std::string& output, const std::string& complaints);

}  // namespace podreeve::systemd
