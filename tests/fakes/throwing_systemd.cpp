#include "runtime/systemd/unit_session.h"
#include "runtime/systemd/unit_watch.h"
#include "runtime/systemd/units.h"
#include "tests/fakes/throwing_calls.h"

// As throwing_base.cpp.
namespace podreeve::fakes {
namespace {

using systemd::Call;
using systemd::JobResult;
using systemd::Limit;
using systemd::UnitControl;
using systemd::UnitSession;
using State = Result<systemd::UnitState>;
using Table = Result<systemd::UnitTable>;
using Job = Result<JobResult>;
using Names = std::set<std::string>;
using Opened = Result<std::unique_ptr<UnitSession>>;

}  // namespace

Job real_start(const UnitControl* self, const std::string& unit, const Call& call) __asm__(
    "__real__ZNK8podreeve7systemd11UnitControl5startERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNS0_4CallE");
Job wrapped_start(const UnitControl* self, const std::string& unit, const Call& call) __asm__(
    "__wrap__ZNK8podreeve7systemd11UnitControl5startERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNS0_4CallE");

Job wrapped_start(const UnitControl* self, const std::string& unit, const Call& call) {
    return made(Adapter::Systemd, [&] { return real_start(self, unit, call); });
}

Job real_stop(const UnitControl* self, const std::string& unit, const Call& call) __asm__(
    "__real__ZNK8podreeve7systemd11UnitControl4stopERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNS0_4CallE");
Job wrapped_stop(const UnitControl* self, const std::string& unit, const Call& call) __asm__(
    "__wrap__ZNK8podreeve7systemd11UnitControl4stopERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNS0_4CallE");

Job wrapped_stop(const UnitControl* self, const std::string& unit, const Call& call) {
    return made(Adapter::Systemd, [&] { return real_stop(self, unit, call); });
}

Job real_restart(const UnitControl* self, const std::string& unit, const Call& call) __asm__(
    "__real__ZNK8podreeve7systemd11UnitControl7restartERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNS0_4CallE");
Job wrapped_restart(const UnitControl* self, const std::string& unit, const Call& call) __asm__(
    "__wrap__ZNK8podreeve7systemd11UnitControl7restartERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNS0_4CallE");

Job wrapped_restart(const UnitControl* self, const std::string& unit, const Call& call) {
    return made(Adapter::Systemd, [&] { return real_restart(self, unit, call); });
}

State real_state(const UnitControl* self, const std::string& unit, const Call& call) __asm__(
    "__real__ZNK8podreeve7systemd11UnitControl5stateERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNS0_4CallE");
State wrapped_state(const UnitControl* self, const std::string& unit, const Call& call) __asm__(
    "__wrap__ZNK8podreeve7systemd11UnitControl5stateERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNS0_4CallE");

State wrapped_state(const UnitControl* self, const std::string& unit, const Call& call) {
    return made(Adapter::Systemd, [&] { return real_state(self, unit, call); });
}

Status
real_reset_failed(const UnitControl* self, const std::string& unit, const Call& call) __asm__(
    "__real__ZNK8podreeve7systemd11UnitControl12reset_failedERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNS0_4CallE");
Status
wrapped_reset_failed(const UnitControl* self, const std::string& unit, const Call& call) __asm__(
    "__wrap__ZNK8podreeve7systemd11UnitControl12reset_failedERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNS0_4CallE");

Status wrapped_reset_failed(const UnitControl* self, const std::string& unit, const Call& call) {
    return made(Adapter::Systemd, [&] { return real_reset_failed(self, unit, call); });
}

Status real_reload(const UnitControl* self, const Call& call) __asm__(
    "__real__ZNK8podreeve7systemd11UnitControl13daemon_reloadERKNS0_4CallE");
Status wrapped_reload(const UnitControl* self, const Call& call) __asm__(
    "__wrap__ZNK8podreeve7systemd11UnitControl13daemon_reloadERKNS0_4CallE");

Status wrapped_reload(const UnitControl* self, const Call& call) {
    return made(Adapter::Systemd, [&] { return real_reload(self, call); });
}

Table real_look(systemd::UnitWatch* self, const Call& call) __asm__(
    "__real__ZN8podreeve7systemd9UnitWatch4lookERKNS0_4CallE");
Table wrapped_look(systemd::UnitWatch* self, const Call& call) __asm__(
    "__wrap__ZN8podreeve7systemd9UnitWatch4lookERKNS0_4CallE");

Table wrapped_look(systemd::UnitWatch* self, const Call& call) {
    return made(Adapter::Systemd, [&] { return real_look(self, call); });
}

Opened
real_open_session(const std::string& address, const Names& names, const Limit& limit) __asm__(
    "__real__ZN8podreeve7systemd11UnitSession4openERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKSt3setIS7_St4lessIS7_ESaIS7_EERKNS0_5LimitE");
Opened
wrapped_open_session(const std::string& address, const Names& names, const Limit& limit) __asm__(
    "__wrap__ZN8podreeve7systemd11UnitSession4openERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKSt3setIS7_St4lessIS7_ESaIS7_EERKNS0_5LimitE");

Opened wrapped_open_session(const std::string& address, const Names& names, const Limit& limit) {
    return made(Adapter::Signals, [&] { return real_open_session(address, names, limit); });
}

Status real_watch(UnitSession* self, const Names& names, const Limit& limit) __asm__(
    "__real__ZN8podreeve7systemd11UnitSession5watchERKSt3setINSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEESt4lessIS8_ESaIS8_EERKNS0_5LimitE");
Status wrapped_watch(UnitSession* self, const Names& names, const Limit& limit) __asm__(
    "__wrap__ZN8podreeve7systemd11UnitSession5watchERKSt3setINSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEESt4lessIS8_ESaIS8_EERKNS0_5LimitE");

Status wrapped_watch(UnitSession* self, const Names& names, const Limit& limit) {
    return made(Adapter::Signals, [&] { return real_watch(self, names, limit); });
}

Status real_catch_up(UnitSession* self, const Limit& limit) __asm__(
    "__real__ZN8podreeve7systemd11UnitSession8catch_upERKNS0_5LimitE");
Status wrapped_catch_up(UnitSession* self, const Limit& limit) __asm__(
    "__wrap__ZN8podreeve7systemd11UnitSession8catch_upERKNS0_5LimitE");

Status wrapped_catch_up(UnitSession* self, const Limit& limit) {
    return made(Adapter::Signals, [&] { return real_catch_up(self, limit); });
}

}  // namespace podreeve::fakes
