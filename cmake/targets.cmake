# Headers are included as "qkv/FOLDER/file.h", in the tree as where qkv is installed: these links make the tree look so.
set(QKV_INCLUDE ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${QKV_INCLUDE}/qkv)
foreach(entry autograd layers files train datasets translation study qkv.h)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${entry} ${QKV_INCLUDE}/qkv/${entry} SYMBOLIC)
endforeach()

# qkv_library(NAME sources…): the library target qkv::NAME. Without sources it is headers only.
function(qkv_library name)
  set(scope INTERFACE)
  if(ARGN)
    add_library(qkv_${name} STATIC ${ARGN})
    set_target_properties(qkv_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    qkv_options(qkv_${name})
    qkv_unity(qkv_${name})
    set(scope PUBLIC)
  else()
    add_library(qkv_${name} INTERFACE)
  endif()
  add_library(qkv::${name} ALIAS qkv_${name})
  set_target_properties(qkv_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(qkv_${name} ${scope} cxx_std_20)
  target_include_directories(qkv_${name} ${scope}
    $<BUILD_INTERFACE:${QKV_INCLUDE}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_property(GLOBAL APPEND PROPERTY QKV_LIBRARIES qkv_${name})
endfunction()

# How every part of qkv itself is compiled: for this machine, and with warnings, which CI turns into errors. All of it
# is PRIVATE: whoever links qkv compiles as they like.
function(qkv_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
    $<$<BOOL:${QKV_WERROR}>:-Werror> $<$<BOOL:${QKV_NATIVE}>:-march=native>)
endfunction()

# For what runs only briefly, or calls others to compute: a file is compiled in half to two thirds of the time.
function(qkv_compile_quickly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# The files of a target are compiled twenty at a time, where QKV_UNITY asks for it: what they include takes longer than
# they do. For development they are compiled one by one, with what most of them include compiled once, where
# QKV_PRECOMPILE asks for it. CI builds without either too, so that no file can come to miss what it does not include itself.
function(qkv_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${QKV_UNITY} UNITY_BUILD_BATCH_SIZE 20)
  if(QKV_UNITY)  # a name may be that of a constant in another file
    target_compile_options(${target} PRIVATE -Wno-shadow)
  endif()
endfunction()
function(qkv_precompile target)
  get_target_property(is_unity ${target} UNITY_BUILD)
  if(QKV_PRECOMPILE AND NOT is_unity)
    target_precompile_headers(${target} PRIVATE <algorithm> <filesystem> <fstream> <functional> <map> <memory> <optional>
      <set> <sstream> <string> <unordered_map> <variant> <vector> <fmt/format.h> ${ARGN})
  endif()
endfunction()

# The sanitizers must be in every object and in the link, so they are set for the whole build.
if(QKV_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")  # GCC says so itself
    add_compile_definitions(__SANITIZE_ADDRESS__)
  endif()
endif()
if(QKV_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
