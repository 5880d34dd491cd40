#pragma once

#include <cstddef>

namespace podreeve::fakes {

// While one of these lives, every allocation of at least that many bytes, on any thread, throws
// std::bad_alloc: so whatever touches one long text throws where it stands, and nothing else does.
class ScarceMemory {
  public:
    explicit ScarceMemory(std::size_t first_refused);
    ~ScarceMemory();
    ScarceMemory(const ScarceMemory&) = delete;
    ScarceMemory& operator=(const ScarceMemory&) = delete;

    static std::size_t refused();  // allocations, since the last one began
};

}  // namespace podreeve::fakes
