#pragma once

#include <atomic>
#include <memory>
#include <optional>

namespace podreeve::api {

// Lets so many in at once. Any thread; a place may outlive the turnstile.
class Turnstile {
  public:
    // Is given back when it goes.
    class Place {
      public:
        explicit Place(std::shared_ptr<std::atomic<unsigned>> inside)
            : inside_(std::move(inside)) {}

        Place(Place&&) noexcept = default;
        Place& operator=(Place&&) = delete;

        ~Place() {
            if (inside_) {
                --*inside_;
            }
        }

      private:
        std::shared_ptr<std::atomic<unsigned>> inside_;
    };

    explicit Turnstile(unsigned most) : most_(most) {}

    std::optional<Place> enter() {
        if (++*inside_ <= most_) {
            return Place(inside_);
        }
        --*inside_;
        return std::nullopt;
    }

  private:
    const unsigned most_;
    std::shared_ptr<std::atomic<unsigned>> inside_ = std::make_shared<std::atomic<unsigned>>(0);
};

}  // namespace podreeve::api
