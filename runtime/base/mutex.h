#pragma once

#include <condition_variable>
#include <mutex>

namespace podreeve {

// A value that can be reached only while its lock is held (after Nix' Sync<T>): `auto v =
// guarded.lock(); v->x = 1;`. Any thread may lock; the guard must stay on the thread that took it.
template <class T>
class Guarded {
  public:
    Guarded() = default;

    explicit Guarded(T value) : value_(std::move(value)) {}

    class Lock {
      public:
        explicit Lock(Guarded& owner) : owner_(&owner), lock_(owner.mutex_) {}

        T* operator->() { return &owner_->value_; }

        T& operator*() { return owner_->value_; }

        // Waits until pred() holds, with the lock released meanwhile; false when the time is over.
        template <class Rep, class Period, class Pred>
        bool wait_for(std::chrono::duration<Rep, Period> time, Pred pred) {
            return owner_->changed_.wait_for(lock_, time, pred);
        }

        template <class Pred>
        void wait(Pred pred) {
            owner_->changed_.wait(lock_, pred);
        }

        void notify_all() { owner_->changed_.notify_all(); }

      private:
        Guarded* owner_;
        std::unique_lock<std::mutex> lock_;
    };

    Lock lock() { return Lock(*this); }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    T value_{};
};

}  // namespace podreeve
