#include "runtime/prober/host_thread.h"

#include <system_error>
#include <utility>

#include "runtime/base/thread.h"
#include "runtime/prober/privileges.h"

namespace podreeve::prober {

Result<std::unique_ptr<HostThread>> HostThread::start() {
    std::unique_ptr<HostThread> out(new HostThread());
    try {
        out->thread_ = begin_thread("the host's thread", [host = out.get()] { host->serve(); });
    } catch (const std::system_error& error) {
        return errno_error("start a thread", error.code().value());
    }
    return out;
}

HostThread::~HostThread() {
    {
        auto work = work_.lock();
        work->over = true;
        work.notify_all();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

void HostThread::run(const std::function<void()>& act) {
    auto work = work_.lock();
    work->act = &act;
    work.notify_all();
    work.wait([&] { return work->act == nullptr; });
    if (const auto thrown = std::exchange(work->thrown, nullptr)) {
        std::rethrow_exception(thrown);
    }
}

void HostThread::serve() {
    drop_capabilities();  // it enters nothing
    auto work = work_.lock();
    while (true) {
        work.wait([&] { return work->act != nullptr || work->over; });
        if (work->over) {
            return;
        }
        try {
            (*work->act)();  // under the lock: the one who asks waits anyway
        } catch (...) {
            work->thrown = std::current_exception();
        }
        work->act = nullptr;
        work.notify_all();
    }
}

}  // namespace podreeve::prober
