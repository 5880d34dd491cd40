#include "agent/api/writer.h"

#include <algorithm>
#include <poll.h>

#include "runtime/base/thread.h"

namespace podreeve::api {

Writer::~Writer() {
    close();
}

void Writer::add(std::unique_ptr<Connection> connection,
                 std::string out,
                 std::unique_ptr<Tail> tail) {
    {
        const std::lock_guard lock(mutex_);
        if (closing_ || count_ >= limits_.most_open) {
            return;
        }
        added_.push_back({std::move(connection), std::move(out), std::move(tail)});
        ++count_;
        if (!running_) {
            start();
        }
    }
    wake_->notify();
}

// The one before has nothing left to do, and takes no lock for it.
void Writer::start() {
    if (thread_.joinable()) {
        thread_.join();
    }
    thread_ = begin_thread("the API's writer", [this] {
        if (!contained_or_logged("the API's writer", [this] { run(); })) {
            open_.clear();
            const std::lock_guard lock(mutex_);
            running_ = false;
        }
    });
    running_ = true;
}

void Writer::close() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    wake_->notify();
    if (thread_.joinable()) {
        thread_.join();
    }
}

std::size_t Writer::open() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

// False: nothing is open, and the thread ends.
bool Writer::take_added() {
    const std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.steady_now();
    for (Open& one : added_) {
        one.stalled_since = now;
        open_.push_back(std::move(one));
    }
    added_.clear();
    count_ = open_.size();
    running_ = !open_.empty() && !closing_;
    return running_;
}

void Writer::run() {
    while (take_added()) {
        const SteadyTime now = clock_.steady_now();
        std::erase_if(open_, [&](Open& one) {
            bool goes_on = false;
            contained_or_logged("a stream of the API", [&] { goes_on = serve(one, now); });
            return !goes_on;
        });
        poll_once(longest_poll(clock_.steady_now()));
        wake_->take();
    }
    say_last_words();
}

// False: it has come to its end, or nobody reads it.
bool Writer::serve(Open& one, SteadyTime now) const {
    if (one.gone) {
        return false;
    }
    while (true) {
        if (one.out.empty()) {
            one.stalled_since = now;
            if (one.tail && !one.tail->say(one.out, now)) {
                one.tail.reset();
            }
        }
        const std::size_t before = one.out.size();
        if (!send_some(*one.connection, one.out)) {
            return false;
        }
        if (one.out.size() < before) {
            one.stalled_since = now;
        }
        if (!one.out.empty()) {
            return now - one.stalled_since < limits_.longest_stall;
        }
        if (!one.tail || before == 0) {
            return one.tail != nullptr;
        }
    }
}

int Writer::longest_poll(SteadyTime now) const {
    SteadyTime next = SteadyTime::max();
    for (const Open& one : open_) {
        next =
            std::min(next, one.out.empty() && one.tail ? one.tail->next()
                                                       : one.stalled_since + limits_.longest_stall);
    }
    if (next == SteadyTime::max()) {
        return open_.empty() ? 0 : -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Writer::poll_once(int longest) {
    std::vector<pollfd> polled{{wake_->fd(), POLLIN, 0}};
    for (const Open& one : open_) {
        const short events = one.out.empty() ? 0 : POLLOUT;
        polled.push_back({one.connection->socket.get(), events, 0});
    }
    if (::poll(polled.data(), polled.size(), longest) <= 0) {
        return;
    }
    for (std::size_t i = 0; i < open_.size(); ++i) {
        open_[i].gone = (polled[i + 1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
    }
}

void Writer::say_last_words() {
    for (Open& one : open_) {
        if (one.tail) {
            one.tail->end(one.out);
            one.tail.reset();
        }
    }
    const SteadyTime end = clock_.steady_now() + limits_.last_words;
    while (true) {
        std::erase_if(open_, [](Open& one) {
            return one.gone || !send_some(*one.connection, one.out) || one.out.empty();
        });
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock_.steady_now());
        if (open_.empty() || left.count() <= 0) {
            break;
        }
        poll_once(static_cast<int>(left.count()));
        wake_->take();
    }
    open_.clear();
}

}  // namespace podreeve::api
