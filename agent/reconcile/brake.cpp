#include "agent/reconcile/brake.h"

#include <algorithm>

#include "agent/reconcile/brake_file.h"
#include "runtime/base/log.h"

namespace podreeve::reconcile {

Brake::Brake(const std::filesystem::path& file, const std::string& boot_id, const Clock& clock)
    : clock_(clock) {
    auto opened = BrakeFile::open(file, boot_id);
    if (!opened) {
        log::warn("an app that ends this agent again and again will not be noticed: {}",
                  opened.error().message);
        return;
    }
    file_ = std::move(*opened);
    auto known = known_.lock();
    take_in_deaths(*known);
}

Brake::~Brake() {
    if (marks_) {
        mark_deaths_in({});
    }
    if (file_ && known_.lock()->suspects.empty()) {
        file_->remove();
    }
}

// What is counted is written before its mark is wiped out: a death in between is seen twice, and
// counts once.
void Brake::take_in_deaths(Known& known) {
    const SteadyTime now = clock_.steady_now();
    known.suspects = file_->read(now);
    for (const HandSlot& slot : file_->slots()) {
        const auto death = death_in(slot, now);
        if (!death) {
            continue;
        }
        log::error("the agent before this one died of signal {} while it worked for {}",
                   death->signal, death->app);
        Suspect& suspect = known.suspects[death->app];
        if (std::ranges::find(suspect.deaths, death->at) == suspect.deaths.end()) {
            note_death(suspect, death->at);
        }
    }
    keep(known);
    std::ranges::fill(file_->slots(), HandSlot());
}

void Brake::mark_deaths() {
    if (file_) {
        marks_ = true;
        mark_deaths_in(file_->slots());
    }
}

std::string Brake::spec_of(Known& known,
                           const std::string& app,
                           const manifests::Desired& desired) {
    const auto found = desired.apps.find(app);
    if (found == desired.apps.end()) {
        return desired.complete ? "" : known.suspects[app].spec;
    }
    auto& [spec, hash] = known.hashes[app];
    if (spec != found->second) {
        spec = found->second;
        hash = manifests::spec_hash(*spec);
    }
    return hash;
}

std::map<std::string, SetAside> Brake::evaluate(const manifests::Desired& desired) {
    std::map<std::string, SetAside> out;
    auto known = known_.lock();
    if (known->suspects.empty()) {
        return out;
    }
    const SuspectApps before = known->suspects;
    const SteadyTime now = clock_.steady_now();
    std::erase_if(known->suspects, [&](const auto& row) { return is_cleared(row.second, now); });
    for (auto& [app, suspect] : known->suspects) {
        const bool was = suspect.set_aside;
        reconcile::evaluate(suspect, spec_of(*known, app, desired), now);
        if (suspect.set_aside) {
            out[app] = {reconcile::why_set_aside(app, suspect), next_try(suspect)};
        } else if (was) {
            log::warn("{}: it was set aside, and is tried again", app);
        }
    }
    std::erase_if(known->hashes,
                  [&](const auto& row) { return !known->suspects.contains(row.first); });
    if (known->suspects != before) {
        keep(*known);
    }
    return out;
}

std::map<std::string, SetAside> Brake::set_aside() const {
    std::map<std::string, SetAside> out;
    auto known = known_.lock();
    for (const auto& [app, suspect] : known->suspects) {
        if (suspect.set_aside) {
            out[app] = {reconcile::why_set_aside(app, suspect), next_try(suspect)};
        }
    }
    return out;
}

std::optional<std::string> Brake::why_set_aside(const std::string& app) const {
    auto known = known_.lock();
    const auto found = known->suspects.find(app);
    return found != known->suspects.end() && found->second.set_aside
               ? std::optional(reconcile::why_set_aside(app, found->second))
               : std::nullopt;
}

void Brake::try_now(const std::optional<std::string>& app) {
    auto known = known_.lock();
    for (auto& [name, suspect] : known->suspects) {
        if (!app || *app == name) {
            reconcile::try_now(suspect, clock_.steady_now());
        }
    }
    keep(*known);
}

void Brake::keep(const Known& known) {
    if (file_) {
        file_->write(known.suspects);
    }
}

}  // namespace podreeve::reconcile
