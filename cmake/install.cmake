# The install that find_package(qkv) finds.
include(CMakePackageConfigHelpers)
get_property(libraries GLOBAL PROPERTY QKV_LIBRARIES)
install(TARGETS ${libraries} EXPORT qkvTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS qkv RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY autograd layers train datasets study DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qkv
  FILES_MATCHING PATTERN "*.h")
get_property(uses_openmp GLOBAL PROPERTY QKV_USES_OPENMP)
if(NOT uses_openmp)
  set(uses_openmp OFF)
endif()
set(config_directory ${CMAKE_INSTALL_LIBDIR}/cmake/qkv)
install(EXPORT qkvTargets NAMESPACE qkv:: DESTINATION ${config_directory})
configure_package_config_file(cmake/qkvConfig.cmake.in ${PROJECT_BINARY_DIR}/qkvConfig.cmake
  INSTALL_DESTINATION ${config_directory})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/qkvConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/qkvConfig.cmake ${PROJECT_BINARY_DIR}/qkvConfigVersion.cmake
  DESTINATION ${config_directory})
