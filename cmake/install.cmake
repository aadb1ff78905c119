# The install that find_package(qkv) finds. Kernels and the tables of the Korean grammar are private.
include(CMakePackageConfigHelpers)
get_property(libraries GLOBAL PROPERTY QKV_LIBRARIES)
install(TARGETS ${libraries} EXPORT qkvTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(QKV_PROGRAM)
  install(TARGETS qkv RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
set(include_directory ${CMAKE_INSTALL_INCLUDEDIR}/qkv)
install(DIRECTORY autograd layers files train datasets translation study DESTINATION ${include_directory}
  FILES_MATCHING PATTERN "*.h" PATTERN kernels EXCLUDE PATTERN lexicon_tables.h EXCLUDE)
install(FILES qkv.h DESTINATION ${include_directory})
get_property(uses_onednn GLOBAL PROPERTY QKV_USES_ONEDNN)
if(NOT uses_onednn)
  set(uses_onednn OFF)
endif()
list(TRANSFORM libraries REPLACE "^qkv_" "" OUTPUT_VARIABLE library_names)
list(JOIN library_names " " library_names)
set(config_directory ${CMAKE_INSTALL_LIBDIR}/cmake/qkv)
install(EXPORT qkvTargets NAMESPACE qkv:: DESTINATION ${config_directory})
configure_package_config_file(cmake/qkvConfig.cmake.in ${PROJECT_BINARY_DIR}/qkvConfig.cmake
  INSTALL_DESTINATION ${config_directory})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/qkvConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/qkvConfig.cmake ${PROJECT_BINARY_DIR}/qkvConfigVersion.cmake cmake/no_build_type.cmake
  DESTINATION ${config_directory})
