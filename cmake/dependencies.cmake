# What the parts of the project are built on, as targets.

# libraft_find_global(target package [version]): find_package, with a target that other folders see too: those that link
# libraft, a parent project's included, need what it links.
macro(libraft_find_global target)
  if(NOT TARGET ${target})
    find_package(${ARGN} REQUIRED)
    set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
  endif()
endmacro()

# The headers of xxHash, used inline. Target: libraft_xxhash
function(libraft_find_xxhash)
  if(TARGET libraft_xxhash)
    return()
  endif()
  find_path(LIBRAFT_XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
  add_library(libraft_xxhash INTERFACE)
  target_include_directories(libraft_xxhash SYSTEM INTERFACE ${LIBRAFT_XXHASH_INCLUDE_DIR})
  target_compile_definitions(libraft_xxhash INTERFACE XXH_INLINE_ALL)
endfunction()

# RapidJSON without a target of its own (1.1.0). Target: libraft_rapidjson
function(libraft_find_rapidjson)
  if(TARGET libraft_rapidjson)
    return()
  endif()
  find_package(RapidJSON 1.1 CONFIG REQUIRED)
  add_library(libraft_rapidjson INTERFACE)
  target_include_directories(libraft_rapidjson SYSTEM INTERFACE ${RAPIDJSON_INCLUDE_DIRS} ${RapidJSON_INCLUDE_DIRS})
  target_compile_definitions(libraft_rapidjson INTERFACE RAPIDJSON_HAS_STDSTRING=1)
endfunction()
