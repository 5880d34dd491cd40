#pragma once

#include <cstddef>
#include <regex>
#include <string>
#include <vector>

#include "tests/fakes/fake_podman/routes.h"

namespace podreeve::fakes {

// The trouble a test ordered: which requests fail, hang, break off or take their time. Guarded by
// the engine's lock.
class Faults {
  public:
    enum class Kind { None, Fail, Answer, Hang, CutBeforeWork, CutBeforeReply, CutMiddle };

    struct Rule {
        Kind kind = Kind::None;
        std::string method;
        std::regex path;
        unsigned times = 0;
        int status = 0;
        std::string message;
    };

    void add(Rule rule) { rules_.push_back(std::move(rule)); }

    // The first rule that fits, with one of its times used up; Kind::None when none does.
    Rule take(const std::string& method, const std::string& path);
    void set_delay(const std::string& method, const std::string& path, Duration duration);
    // Waits as long as the request is to take; false when nobody waits for it any more.
    bool delay(const std::string& method, const std::string& path, Routed& routed);
    // Until release(), the client's end, or the server's.
    void hang(Routed& routed);

    void release() { ++releases_; }

    std::size_t hung() const { return hung_; }

  private:
    struct Delay {
        std::string method, text;
        std::regex path;
        Duration duration;
    };

    std::vector<Rule> rules_;
    std::vector<Delay> delays_;
    std::size_t hung_ = 0, releases_ = 0;
};

}  // namespace podreeve::fakes
