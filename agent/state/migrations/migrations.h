#pragma once

#include <cstddef>

namespace podreeve::state {

// The steps that bring an older store to this schema: element i leads from user_version i to i + 1.
// A step that has been released is never edited; a new one is appended (its .sql file is listed in
// the folder's CMakeLists.txt and in migrations.cpp.in).
extern const char* const kMigrations[];
extern const std::size_t kSchemaVersion;

}  // namespace podreeve::state
