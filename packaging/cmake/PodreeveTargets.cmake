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

# podreeve_library(NAME SOURCES a.cpp… LINKS lib…): what NAME links is what it may include.
function(podreeve_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC podreeve_flags ${arg_LINKS})
  if(CMAKE_UNITY_BUILD)
    # g++ takes a class behind a pointer to be shared between files when its file is included.
    target_compile_options(${name} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# podreeve_test(NAME [APART] SOURCES a_test.cpp… LINKS lib… [LABELS l…]): a GoogleTest program, one CTest entry
# a program, so that a run of thousands of cases does not pay a process each. APART: its files are compiled one
# by one, since each has local names that the others have too.
function(podreeve_test name)
  cmake_parse_arguments(arg "APART" "" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE podreeve_flags ${arg_LINKS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE PODREEVE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(arg_APART)
    set_target_properties(${name} PROPERTIES UNITY_BUILD OFF)
  endif()
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  if(arg_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 300)
  endif()
endfunction()
