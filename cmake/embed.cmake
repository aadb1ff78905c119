# Makes C++ of a text file: cmake -DINPUT=page.html -DOUTPUT=page.cpp -DHEADER=… -DNAME=… -P embed.cmake
file(READ "${INPUT}" text)
set(fence "qkv-embedded")
string(FIND "${text}" ")${fence}\"" at)
if(NOT at EQUAL -1)
  message(FATAL_ERROR "${INPUT} holds what would end it as a string of C++: )${fence}\"")
endif()
file(WRITE "${OUTPUT}"
  "#include \"${HEADER}\"\n\nnamespace qkv {\n\nconst std::string_view ${NAME} = R\"${fence}(${text})${fence}\";\n\n}  // namespace qkv\n")
