# Installs the build in BUILD_DIRECTORY into it, then builds and runs what uses the package, as other people's projects do.
cmake_minimum_required(VERSION 3.25)
set(work ${BUILD_DIRECTORY}/package_test)
file(REMOVE_RECURSE ${work})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD_DIRECTORY} --prefix ${work}/install
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
unset(ENV{CMAKE_BUILD_TYPE})

# configure(STATUS ERRORS NAME SOURCE ARGUMENTS…): what CMake says of the project; its errors and warnings must match the
# regular expression.
function(configure status errors name source)
  execute_process(COMMAND ${CMAKE_COMMAND} --no-warn-unused-cli -G Ninja -S ${source} -B ${work}/${name}
    -DCMAKE_PREFIX_PATH=${work}/install -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} ${ARGN}
    OUTPUT_QUIET RESULT_VARIABLE got ERROR_VARIABLE said)
  string(REGEX REPLACE "[ \n]+" " " said "${said}")
  if(NOT got EQUAL status OR NOT said MATCHES "${errors}")
    message(FATAL_ERROR "Configuring ${name} returned ${got}, expected ${status}, and said\n${said}\ninstead of\n${errors}")
  endif()
endfunction()

# build(NAME SOURCE ARGUMENTS…): configures the project, in silence, and builds it. None of qkv's own flags may reach it.
function(build name source)
  configure(0 "^$" ${name} ${source} -DCMAKE_BUILD_TYPE=Release ${ARGN})
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${work}/${name} OUTPUT_VARIABLE printed RESULT_VARIABLE got)
  if(NOT got EQUAL 0)
    message(FATAL_ERROR "Building ${name} failed:\n${printed}")
  endif()
  file(READ ${work}/${name}/compile_commands.json commands)
  if(NOT commands MATCHES "-std=")
    message(FATAL_ERROR "${name} is not compiled as C++20:\n${commands}")
  endif()
endfunction()

function(expect_no_flags_of_ours name)
  file(READ ${work}/${name}/compile_commands.json commands)
  if(commands MATCHES "-march|-Wshadow|-Werror|EIGEN_|eigen3|QKV_|nlohmann")
    message(FATAL_ERROR "${name} is compiled with flags of qkv's own, ${CMAKE_MATCH_0}:\n${commands}")
  endif()
endfunction()

# expect(STATUS OUTPUT COMMAND…): runs the command; what it prints must match the regular expression, as a whole.
function(expect status output)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${work} RESULT_VARIABLE got OUTPUT_VARIABLE printed)
  if(NOT got EQUAL status OR NOT printed MATCHES "^${output}\n$")
    message(FATAL_ERROR "${ARGN}\nreturned ${got}, expected ${status}, and printed\n${printed}instead of\n${output}")
  endif()
endfunction()

set(only_for_translation -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON
  -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON)

build(own_operation ${SOURCE_DIRECTORY}/examples/own_operation ${only_for_translation})
expect_no_flags_of_ours(own_operation)
set(program ${work}/own_operation/own_operation)
expect(0 "swish: 6 numbers, 36 entries of the Jacobian: exact to [0-9.]+e-1[5-9]
in a model: exact to [0-9.]+e-1[4-9]" ${program})
expect(1 "wrong_swish: 6 numbers, 36 entries of the Jacobian: gradient of x\\[1, 2\\]: got 0.8807970779[0-9]*, \
expected 1.0907842487[0-9]*( .*)?
in a model: the wrong operation: wrong_swish: gradient of input 0, the output of linear .*"
  ${program} --wrong)

# Models of one's own bring nothing of JSON, of Unicode's tables or of the Korean grammar.
foreach(example own_model own_language_model)
  build(${example} ${SOURCE_DIRECTORY}/examples/${example} ${only_for_translation})
  expect_no_flags_of_ours(${example})
  execute_process(COMMAND nm -C ${work}/${example}/${example} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  if(symbols MATCHES "nlohmann|utf8proc|qkv::grammar|KoreanEnglish|Vocabulary")
    message(FATAL_ERROR "${example} links ${CMAKE_MATCH_0}, which it does not need")
  endif()
endforeach()
expect(0 "step 10  loss .*gradients are exact to [0-9.]+e-1[4-9]" ${work}/own_model/own_model)
expect(0 "A sentence is a row of .*" ${work}/own_language_model/own_language_model
  ${SOURCE_DIRECTORY}/examples/own_language_model/text.txt)

# Compiled for any processor or for this one, the same numbers come out of a qkv that was compiled for this one.
set(training ${SOURCE_DIRECTORY}/tests/package/training)
build(training ${training} ${only_for_translation})
execute_process(COMMAND ${work}/training/native OUTPUT_FILE ${work}/numbers COMMAND_ERROR_IS_FATAL ANY)
expect(0 "([0-9]+) of [0-9]+ numbers are the same, up to .*" ${work}/training/plain ${work}/numbers)

configure(0 "CMake Warning.*: No build type is set.* Configure with -DCMAKE_BUILD_TYPE=Release" no_build_type ${training})
configure(1 "qkv has no library \"transformers\"; its libraries are autograd, layers, files, train, (mpi, )?datasets, \
korean_english, dates, translation, study\\." no_such_component ${training} -DCOMPONENTS=transformers)
configure(1 "nlohmann_json" no_json ${training} -DCOMPONENTS=study -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)

build(subdirectory ${SOURCE_DIRECTORY}/tests/package/subdirectory -DQKV=${SOURCE_DIRECTORY} -DQKV_TRANSLATION=OFF
  -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON
  -DCMAKE_DISABLE_FIND_PACKAGE_CLI11=ON -DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON -DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON)
expect(0 "6" ${work}/subdirectory/subdirectory)

build(package ${SOURCE_DIRECTORY}/tests/package)
expect(0 "package: works" ${work}/package/package_test)
