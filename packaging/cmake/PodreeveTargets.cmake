# One library a folder. The warnings are ours; turning them into errors is the presets' business, so
# that a newer compiler never breaks a packager's build.
add_library(podreeve_flags INTERFACE)
target_compile_options(podreeve_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wconversion)
target_include_directories(podreeve_flags INTERFACE ${PROJECT_SOURCE_DIR})
if(PODREEVE_SANITIZE)
  target_compile_options(podreeve_flags INTERFACE -fsanitize=${PODREEVE_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(podreeve_flags INTERFACE -fsanitize=${PODREEVE_SANITIZE})
endif()

# What Debian hardens its own programs with, named here and not left to each release's dpkg-buildflags, which knows only half
# of it in bookworm. tests/lint/check_binaries.py looks for all of it in what is packaged.
if(PODREEVE_HARDENED)
  include(CheckCXXCompilerFlag)
  target_compile_options(podreeve_flags INTERFACE -fPIE -fstack-protector-strong -fstack-clash-protection -Wformat
    -Werror=format-security -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS)
  foreach(flag -fcf-protection -mbranch-protection=standard)  # amd64, arm64
    string(MAKE_C_IDENTIFIER "PODREEVE_TAKES${flag}" taken)
    check_cxx_compiler_flag(${flag} ${taken})
    target_compile_options(podreeve_flags INTERFACE $<$<BOOL:${${taken}}>:${flag}>)
  endforeach()
  target_link_options(podreeve_flags INTERFACE -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

# What nearly every file includes, parsed once a build: half of what a build without optimization costs. Off where
# packages are made, so that each file is seen to include what it uses.
if(PODREEVE_PRECOMPILED)
  add_library(podreeve_headers OBJECT ${PROJECT_SOURCE_DIR}/packaging/cmake/headers.cpp)
  target_link_libraries(podreeve_headers PUBLIC podreeve_flags tl::expected fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json)
  target_precompile_headers(podreeve_headers PRIVATE
    <algorithm> <chrono> <filesystem> <functional> <map> <memory> <optional> <set> <stop_token> <string> <string_view>
    <utility> <vector> <fmt/format.h> <fmt/ranges.h> <nlohmann/json.hpp> <tl/expected.hpp>)
endif()

# podreeve_library(NAME SOURCES a.cpp… LINKS lib…): what NAME links is what it may include.
function(podreeve_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC podreeve_flags ${arg_LINKS})
  if(PODREEVE_PRECOMPILED)
    target_precompile_headers(${name} REUSE_FROM podreeve_headers)
  endif()
  if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # g++ takes a class behind a pointer to be shared between files when its file is included.
    target_compile_options(${name} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()
