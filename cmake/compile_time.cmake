# What makes builds shorter.

# libraft_precompile(target <header>...): with LIBRAFT_PRECOMPILE_HEADERS all sources of the target begin with these. In
# builds without it (presets dev and clang, a tree that is added as a subdirectory) a source that does not include what it
# uses shows.
function(libraft_precompile target)
  if(LIBRAFT_PRECOMPILE_HEADERS)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()
