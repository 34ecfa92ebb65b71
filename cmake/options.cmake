# What every target of ours is compiled with; vnetprobe_library() and vnetprobe_executable() apply it.
add_library(vnetprobe_options INTERFACE)
target_include_directories(vnetprobe_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(vnetprobe_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wno-missing-field-initializers $<$<BOOL:$ENV{CI}>:-Werror>)
# GCC 12 inlines only half of Asio's coroutine frame allocation and then takes the pair for mismatched.
target_compile_options(vnetprobe_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>)
# Files that are compiled together see each other's unnamed namespaces: neither warning means anything then. `edit` has both.
if(CMAKE_UNITY_BUILD)
  target_compile_options(vnetprobe_options INTERFACE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
target_compile_definitions(vnetprobe_options INTERFACE VNETPROBE_VERSION="${PROJECT_VERSION}")
if(VNETPROBE_SANITIZE)
  add_compile_options(-fsanitize=${VNETPROBE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${VNETPROBE_SANITIZE})
  if(VNETPROBE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  if(VNETPROBE_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # Asio's fences, which it knows nothing of
  endif()
endif()
if(VNETPROBE_FUZZ)
  # clang 14 cannot emit the check of function types for a coroutine ("difference across sections").
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=function)
  add_link_options(-fsanitize=address,undefined)
endif()
if(VNETPROBE_TIDY)
  find_program(CLANG_TIDY clang-tidy REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY ${CLANG_TIDY})
endif()
# vnetprobe_precompile_as(TARGET OTHER): uses what OTHER has precompiled.
function(vnetprobe_precompile_as target other)
  if(NOT VNETPROBE_TIDY AND NOT VNETPROBE_FUZZ)
    target_precompile_headers(${target} REUSE_FROM ${other})
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess -Winvalid-pch>)
  endif()
endfunction()
find_program(CCACHE ccache)
if(CCACHE)
  # What ccache asks for before it caches anything that uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()
# vnetprobe_precompile(TARGET plain|asio): half of a file's build time is reading the same headers again. Neither
# clang-tidy nor libFuzzer's build gains from it.
function(vnetprobe_precompile target header)
  if(NOT VNETPROBE_TIDY AND NOT VNETPROBE_FUZZ)
    target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled_${header}.hpp ${ARGN})
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess -Winvalid-pch>)
  endif()
endfunction()
if(VNETPROBE_ONE_FILE)
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,--as-needed -s)
  # Symbols that would have to be unique over all libraries of a process need a name in the file each, and it is alone: nobody
  # links with it.
  add_compile_options(-fno-gnu-unique)
  add_link_options(-Wl,--exclude-libs,ALL)
  # Functions that came out the same, and whose address nobody compares, are kept once: a hundredth of the file. binutils' gold
  # can do it; without it the file is larger and works as well.
  find_program(gold ld.gold)
  if(gold)
    add_link_options(-fuse-ld=gold -Wl,--icf=safe)
  endif()
endif()
