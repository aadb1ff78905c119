# Makes C++ of a text file: cmake -DINPUT=page.html -DOUTPUT=page.cpp -DHEADER=… -DNAME=… -P embed.cmake
file(READ "${INPUT}" text)
set(fence "qkv-embedded")
string(FIND "${text}" ")${fence}\"" at)
if(NOT at EQUAL -1)
  message(FATAL_ERROR "${INPUT} holds what would end it as a string of C++: )${fence}\"")
endif()
# A string may be longer than the standard asks compilers to take; GCC and Clang take it.
file(WRITE "${OUTPUT}"
  "#include \"${HEADER}\"\n\n#pragma GCC diagnostic ignored \"-Woverlength-strings\"\nnamespace qkv {\n\nconst std::string_view ${NAME} = R\"${fence}(${text})${fence}\";\n\n}  // namespace qkv\n")
