#include "runtime/base/contained.h"

#include <exception>

#include "runtime/base/log.h"
#include "runtime/base/utf8.h"

namespace podreeve {
namespace {

constexpr std::size_t kMostWords = 500;

}  // namespace

std::string words_of_exception() noexcept {
    try {
        throw;
    } catch (const std::exception& error) {
        try {
            return clean_text(error.what(), kMostWords);
        } catch (...) {
            return "bad_alloc";  // short enough to need no memory
        }
    } catch (...) {
        return "?";
    }
}

void log_thrown(const char* what, const std::string& thrown) noexcept {
    try {
        log::error("internal error: {} threw: {}", what, thrown);
    } catch (...) {
        return;  // there is no memory for the line either
    }
}

}  // namespace podreeve
