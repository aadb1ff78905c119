# qkv_library(NAME sources…): the library target qkv::NAME, whose headers are read as "NAME/file.h".
function(qkv_library name)
  add_library(qkv_${name} STATIC ${ARGN})
  add_library(qkv::${name} ALIAS qkv_${name})
  set_target_properties(qkv_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_compile_features(qkv_${name} PUBLIC cxx_std_20)
  target_include_directories(qkv_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/qkv>)
  qkv_warnings(qkv_${name})
  set_property(GLOBAL APPEND PROPERTY QKV_LIBRARIES qkv_${name})
endfunction()

# The warnings that every part of qkv is compiled with; CI turns them into errors.
function(qkv_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
    $<$<BOOL:${QKV_WERROR}>:-Werror>)
endfunction()

# The sanitizers must be in every object and in the link, so they are set for the whole build.
if(QKV_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
if(QKV_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
