#include "tests/fakes/scarce_memory.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> first_refused{SIZE_MAX};
std::atomic<std::size_t> refusals{0};

}  // namespace

// All forms of it, since what one gives the others' delete may take back.
void* operator new(std::size_t size) {
    if (size >= first_refused) {
        ++refusals;
        throw std::bad_alloc();
    }
    void* const memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

void* operator new[](std::size_t size) {
    return operator new(size);
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return size >= first_refused ? nullptr : std::malloc(size == 0 ? 1 : size);
}

void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
    return operator new(size, tag);
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete[](void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

void operator delete(void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
}

void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
}

namespace podreeve::fakes {

ScarceMemory::ScarceMemory(std::size_t first) {
    refusals = 0;
    first_refused = first;
}

ScarceMemory::~ScarceMemory() {
    first_refused = SIZE_MAX;
}

std::size_t ScarceMemory::refused() {
    return refusals;
}

}  // namespace podreeve::fakes
