#include "tests/fakes/fake_systemd/fake_systemd.h"

#include <algorithm>
#include <utility>

#include "quadlet/names.h"
#include "tests/fakes/fake_systemd/service.h"

namespace podreeve::fakes {
namespace {

bool has_its_section(const std::string& name, const std::string& text) {
    const auto type = quadlet::unit_type_of(name);
    return type &&
           text.find("[" + std::string(quadlet::section_name(*type)) + "]") != std::string::npos;
}

}  // namespace

FakeSystemd::FakeSystemd(std::string address)
    : service_(std::make_unique<Service>(world, std::move(address))) {
    world.lock()->started_at = SystemClock().system_now();
}

FakeSystemd::~FakeSystemd() {
    release();
}

int FakeSystemd::calls(const std::string& method) {
    return world.lock()->calls[method];
}

int FakeSystemd::all_calls() {
    int sum = 0;
    auto locked = world.lock();
    for (const auto& [method, count] : locked->calls) {
        sum += count;
    }
    return sum;
}

void FakeSystemd::forget_calls() {
    auto locked = world.lock();
    locked->calls.clear();
    locked->log.clear();
}

void FakeSystemd::change(const std::string& unit, const std::function<void(FakeUnit&)>& how) {
    service_->act([&] {
        bool is_new = false;
        {
            auto locked = world.lock();
            is_new = !locked->units.contains(unit);
            how(locked->units[unit]);
        }
        if (is_new) {
            service_->tell_unit("UnitNew", unit);
        } else {
            service_->tell_changed(unit);
        }
    });
}

void FakeSystemd::crash(const std::string& unit, bool is_restarted) {
    change(unit, [&](FakeUnit& one) {
        one.active = is_restarted ? "activating" : "failed";
        one.sub = is_restarted ? "auto-restart" : "failed";
        one.result = "signal";
        one.exit_status = 9;
        one.main_pid = 0;
        one.inactive_since = SystemClock().system_now();
    });
    if (!is_restarted) {
        return;
    }
    change(unit, [](FakeUnit& one) {
        one.active = "active";
        one.sub = "running";
        one.result = "success";
        one.exit_status = 0;
        one.main_pid = 20'000 + ++one.restarts;
        ++one.invocation;
        one.active_since = SystemClock().system_now();
    });
}

void FakeSystemd::mask(const std::string& unit) {
    service_->act([&] {
        world.lock()->units[unit].masked = true;
        service_->tell_files_changed();
        service_->reload();
    });
}

void FakeSystemd::unmask(const std::string& unit) {
    service_->act([&] {
        world.lock()->units[unit].masked = false;
        service_->tell_files_changed();
        service_->reload();
    });
}

void FakeSystemd::reload() {
    service_->act([&] { service_->reload(); });
}

void FakeSystemd::finish_job(const std::string& unit, const std::string& word) {
    service_->act([&] { service_->end_job(unit, word); });
}

void FakeSystemd::generate_from(std::filesystem::path directory, Accepts accepts) {
    service_->act([&] {
        service_->directory_ = std::move(directory);
        service_->accepts_ = accepts ? std::move(accepts) : Accepts(has_its_section);
        service_->reload();
    });
}

void FakeSystemd::on_job(std::function<void(const std::string&, bool)> callback) {
    service_->act([&] { service_->on_job_ = std::move(callback); });
}

void FakeSystemd::leave() {
    service_->act([&] { service_->leave_bus(); });
}

void FakeSystemd::join() {
    service_->act([&] { service_->join_bus(); });
}

void FakeSystemd::hold(const std::string& method) {
    service_->hold(method);
}

void FakeSystemd::release() {
    service_->release();
}

}  // namespace podreeve::fakes
