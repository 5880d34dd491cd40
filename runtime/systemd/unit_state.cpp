#include "runtime/systemd/unit_state.h"

#include <algorithm>

namespace podreeve::systemd {
namespace {

constexpr std::string_view kSuffixes[] = {".service",   ".socket", ".device", ".mount",
                                          ".automount", ".swap",   ".target", ".path",
                                          ".timer",     ".slice",  ".scope"};
constexpr std::size_t kLongestName = 255;

bool may_be_in_a_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":-_.\\@").find(c) != std::string_view::npos;
}

// Neither on the way to another state nor waiting to be.
bool is_at_rest(const UnitState& state) {
    return state.active_state == "active" || state.active_state == "inactive" ||
           state.active_state == "failed" || state.sub_state.starts_with("auto-restart");
}

}  // namespace

const UnitState* UnitTable::find(const std::string& name) const {
    const auto found = units.find(name);
    return found != units.end() ? &found->second : nullptr;
}

bool is_unit_name(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0 || name.size() > kLongestName) {
        return false;
    }
    const std::string_view suffix = name.substr(dot);
    const std::string_view stem = name.substr(0, dot);
    return std::find(std::begin(kSuffixes), std::end(kSuffixes), suffix) != std::end(kSuffixes) &&
           std::all_of(stem.begin(), stem.end(), may_be_in_a_name) && stem.front() != '@' &&
           stem.back() != '@';
}

bool is_hint(const UnitState& before, const UnitState& after) {
    if (before.load_state != after.load_state || before.file_state != after.file_state ||
        before.fragment_path != after.fragment_path || before.source_path != after.source_path ||
        before.needs_reload != after.needs_reload) {
        return true;
    }
    // Not the result: systemd tells it just before the state that it belongs to.
    const bool moved = before.active_state != after.active_state ||
                       before.sub_state != after.sub_state || before.invocation != after.invocation;
    return moved && is_at_rest(after);
}

}  // namespace podreeve::systemd
