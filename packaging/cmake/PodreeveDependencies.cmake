# Everything podreeve links, found once. All of it is in Debian; nothing is fetched or vendored.
find_package(Threads REQUIRED)
find_package(CURL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto SSL)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tl-expected REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET libseccomp)
# Debian's cpp-httplib is a compiled library: without its pkg-config flags a program links and then
# crashes, since the layout of its classes depends on them.
pkg_check_modules(cpp-httplib REQUIRED IMPORTED_TARGET cpp-httplib)

# yaml-cpp exports a plain name up to 0.7 and a namespaced one from 0.8 on.
if(NOT TARGET yaml-cpp::yaml-cpp)
  add_library(yaml-cpp::yaml-cpp INTERFACE IMPORTED)
  target_link_libraries(yaml-cpp::yaml-cpp INTERFACE yaml-cpp)
endif()

find_program(PODREEVE_CCACHE ccache)
if(PODREEVE_CCACHE)
  # The first lets it cache what uses a precompiled header, the second leaves out a run of the preprocessor.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1
      ${PODREEVE_CCACHE})
endif()
