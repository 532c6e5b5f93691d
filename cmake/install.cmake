# What `cmake --install` puts where: libraries, headers, the CMake package `libraft`, and libraft-cpp.pc. Nothing in it
# names the prefix, so that an installed tree can be moved.
#
# (Debian's libraft-dev is another project, which owns raft.h, libraft.so and raft.pc. So the library files are
# libraft-cpp*, the headers libraft/*, and the pkg-config name is libraft-cpp.)
include(CMakePackageConfigHelpers)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/libraft)

install(TARGETS libraft_core libraft libraft_testkit EXPORT libraftTargets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/libraft/include/libraft
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev FILES_MATCHING PATTERN *.hpp)

# The CMake package, with the find module for Asio that it needs where Asio has no package of its own.
install(EXPORT libraftTargets NAMESPACE libraft:: DESTINATION ${config_dir} COMPONENT dev)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/libraftConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/libraftConfig.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/libraftConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/libraftConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/libraftConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/FindAsio.cmake
  DESTINATION ${config_dir} COMPONENT dev)

# pkg-config. A static library's own needs are the user's at once; a shared one's are not.
if(BUILD_SHARED_LIBS)
  set(LIBRAFT_PC_REQUIRES_FIELD Requires.private)
else()
  set(LIBRAFT_PC_REQUIRES_FIELD Requires)
endif()
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH LIBRAFT_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" LIBRAFT_PC_PREFIX "${LIBRAFT_PC_PREFIX}")
file(RELATIVE_PATH LIBRAFT_PC_LIBDIR ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH LIBRAFT_PC_INCLUDEDIR ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(${PROJECT_SOURCE_DIR}/cmake/libraft-cpp.pc.in ${CMAKE_CURRENT_BINARY_DIR}/libraft-cpp.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libraft-cpp.pc DESTINATION ${pc_dir} COMPONENT dev)
