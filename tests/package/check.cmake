# Installs the build in BUILD_DIRECTORY into it, then builds and runs what uses the package. WITH_NATIVE says whether
# qkv was compiled for this processor: its users must be too.
cmake_minimum_required(VERSION 3.25)
set(work ${BUILD_DIRECTORY}/package_test)
file(REMOVE_RECURSE ${work})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD_DIRECTORY} --prefix ${work}/install
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

# build(SOURCE): configures and builds the project there against what was installed.
function(build source)
  get_filename_component(name ${source} NAME)
  execute_process(COMMAND ${CMAKE_COMMAND} -G Ninja -S ${source} -B ${work}/${name} -DCMAKE_BUILD_TYPE=Release
    -DCMAKE_PREFIX_PATH=${work}/install -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_CXX_COMPILER=${COMPILER}
    -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${work}/${name} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  file(READ ${work}/${name}/compile_commands.json commands)
  foreach(flag EIGEN_DONT_PARALLELIZE EIGEN_STACK_ALLOCATION_LIMIT=4194304 -std=)
    if(NOT commands MATCHES ${flag})
      message(FATAL_ERROR "${name} is compiled without ${flag}:\n${commands}")
    endif()
  endforeach()
  if(WITH_NATIVE AND NOT commands MATCHES "-march=native" OR NOT WITH_NATIVE AND commands MATCHES "-march=native")
    message(FATAL_ERROR "${name} is compiled for another processor than qkv:\n${commands}")
  endif()
endfunction()

# expect(STATUS OUTPUT COMMAND…): runs the command; what it prints must match the regular expression, as a whole.
function(expect status output)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${work} RESULT_VARIABLE got OUTPUT_VARIABLE printed)
  if(NOT got EQUAL status OR NOT printed MATCHES "^${output}\n$")
    message(FATAL_ERROR "${ARGN}\nreturned ${got}, expected ${status}, and printed\n${printed}instead of\n${output}")
  endif()
endfunction()

build(${SOURCE_DIRECTORY}/examples/own_operation)
set(program ${work}/own_operation/own_operation)
expect(0 "swish: 6 numbers, 36 entries of the Jacobian: exact to [0-9.]+e-1[5-9]" ${program})
expect(1 "wrong_swish: 6 numbers, 36 entries of the Jacobian: gradient of x\\[1, 2\\]: got 0.8807970779[0-9]*, \
expected 1.0907842487[0-9]*( .*)?" ${program} --wrong)

build(${SOURCE_DIRECTORY}/tests/package)
expect(0 "package: works" ${work}/package/package_test)
