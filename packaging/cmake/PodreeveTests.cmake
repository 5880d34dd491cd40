# How tests are compiled and registered. A build that `./dev test` makes is a CTest fixture of its own (`dev_build`,
# `tsan_build`), so that one run of CTest compiles and tests side by side: what needs a build starts when it is there.
set(PODREEVE_TEST_PREFIX "" CACHE STRING "Put before the name of each test: two builds in one run of CTest")
option(PODREEVE_LONG "What is too long for every day: all cases under all sanitizers and on all releases, and fuzzing" OFF)
option(PODREEVE_THREADS_ONLY "Only tests of what has threads: for ThreadSanitizer" OFF)
set(PODREEVE_BUILD_FIXTURE "" CACHE STRING "The fixture that compiles this build; empty: it was compiled before CTest")
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
math(EXPR load "${cores} * 2")
set(PODREEVE_BUILD_COST 1000 CACHE STRING "Of the build: those that cost more are compiled before it")
set(PODREEVE_LOAD ${load} CACHE STRING "What CTest may load the machine with: 2 a core. What compiles takes all of it")
# What costs an allocation of a sanitized program its time: the memory of freed blocks, and frames nobody reads.
set(PODREEVE_SANITIZER_OPTIONS
  ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=6:max_malloc_fill_size=64
  TSAN_OPTIONS=history_size=2)

find_package(GTest REQUIRED)

# The same for tests, with GoogleTest.
if(PODREEVE_PRECOMPILED)
  add_library(podreeve_test_headers OBJECT ${PROJECT_SOURCE_DIR}/packaging/cmake/headers.cpp)
  target_link_libraries(podreeve_test_headers PUBLIC podreeve_headers GTest::gtest GTest::gmock)
  target_precompile_headers(podreeve_test_headers PRIVATE
    <algorithm> <chrono> <filesystem> <fstream> <functional> <map> <memory> <optional> <set> <sstream> <stop_token>
    <string> <string_view> <thread> <utility> <vector> <fmt/format.h> <fmt/ranges.h> <gmock/gmock.h> <gtest/gtest.h>
    <nlohmann/json.hpp> <tl/expected.hpp>)
endif()

function(podreeve_precompiled_tests)
  if(PODREEVE_PRECOMPILED)
    foreach(program ${ARGN})
      target_precompile_headers(${program} REUSE_FROM podreeve_test_headers)
    endforeach()
  endif()
endfunction()

# podreeve_register(NAME COMMAND … [LABELS l…] [COST s] [TIMEOUT s] [ENVIRONMENT k=v…]): a test that keeps a core busy. COST: about how long it takes, since the longest begins first.
function(podreeve_register name)
  cmake_parse_arguments(arg "" "COST;TIMEOUT" "COMMAND;LABELS;ENVIRONMENT" ${ARGN})
  if(NOT arg_COST)
    set(arg_COST 5)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 900)
  endif()
  set(name ${PODREEVE_TEST_PREFIX}${name})
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES RESOURCE_GROUPS "load:2" COST ${arg_COST} TIMEOUT ${arg_TIMEOUT})
  set_property(TEST ${name} PROPERTY LABELS ${arg_LABELS})
  set_property(TEST ${name} PROPERTY ENVIRONMENT ${PODREEVE_SANITIZER_OPTIONS} ${arg_ENVIRONMENT})
  set_property(TEST ${name} PROPERTY FIXTURES_REQUIRED ${PODREEVE_BUILD_FIXTURE})
endfunction()

# podreeve_register_shards(PROGRAM SHARDS n …): entries that have a share of a GoogleTest program's cases each.
function(podreeve_register_shards name)
  cmake_parse_arguments(arg "" "SHARDS" "" ${ARGN})
  math(EXPR last "${arg_SHARDS} - 1")
  foreach(shard RANGE ${last})
    podreeve_register(${name}_${shard} COMMAND ${name} --gtest_brief=1 ${arg_UNPARSED_ARGUMENTS}
      ENVIRONMENT GTEST_TOTAL_SHARDS=${arg_SHARDS} GTEST_SHARD_INDEX=${shard})
  endforeach()
endfunction()

# podreeve_test(NAME [APART] [THREADS] SOURCES a_test.cpp… LINKS lib… LABELS l… [TIMEOUT s] [COST s] [SHARDS n]):
# a GoogleTest program, one CTest entry a program, so that a run of thousands of cases does not pay a process each.
# APART: its files are compiled one by one, since each has local names that the others have too.
# THREADS: what it tests has threads, so that it runs under ThreadSanitizer too. THREADS_LONG: with PODREEVE_LONG only, for
# hundreds of runs of what others run under it every day.
# SHARDS: so many entries, for programs of a minute and more.
function(podreeve_test name)
  cmake_parse_arguments(arg "APART;THREADS;THREADS_LONG" "TIMEOUT;COST;SHARDS" "SOURCES;LINKS;LABELS" ${ARGN})
  if(PODREEVE_LONG AND arg_THREADS_LONG)
    set(arg_THREADS ON)
  endif()
  if(PODREEVE_THREADS_ONLY AND NOT arg_THREADS)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE podreeve_flags ${arg_LINKS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE PODREEVE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  podreeve_precompiled_tests(${name})
  if(arg_APART)
    set_target_properties(${name} PROPERTIES UNITY_BUILD OFF)
  endif()
  set(entry LABELS ${arg_LABELS} COST "${arg_COST}" TIMEOUT "${arg_TIMEOUT}")
  if(arg_SHARDS)
    podreeve_register_shards(${name} SHARDS ${arg_SHARDS} ${entry})
  else()
    podreeve_register(${name} COMMAND ${name} --gtest_brief=1 ${entry})
  endif()
endfunction()

if(PODREEVE_BUILD_FIXTURE)
  add_test(NAME ${PODREEVE_BUILD_FIXTURE} COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR})
  set_tests_properties(${PODREEVE_BUILD_FIXTURE} PROPERTIES
    FIXTURES_SETUP ${PODREEVE_BUILD_FIXTURE} RESOURCE_GROUPS "load:${PODREEVE_LOAD}" COST ${PODREEVE_BUILD_COST} TIMEOUT 3600)
endif()
