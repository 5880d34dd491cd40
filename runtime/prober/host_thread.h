#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <thread>

#include "runtime/base/mutex.h"
#include "runtime/base/result.h"

namespace podreeve::prober {

// A thread that stays in the network in which it was started, and does there what another one, who
// has left it, asks for. One thread may ask.
class HostThread {
  public:
    static Result<std::unique_ptr<HostThread>> start();
    ~HostThread();
    HostThread(const HostThread&) = delete;
    HostThread& operator=(const HostThread&) = delete;

    // Waits until it is done. What act throws is thrown here.
    void run(const std::function<void()>& act);

  private:
    struct Work {
        const std::function<void()>* act = nullptr;
        std::exception_ptr thrown;
        bool over = false;
    };

    HostThread() = default;
    void serve();

    Guarded<Work> work_;
    std::thread thread_;
};

}  // namespace podreeve::prober
