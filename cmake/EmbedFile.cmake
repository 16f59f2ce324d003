# Writes a C++ source with the bytes of a file. Run by skink_embed_file() of SkinkTargets.cmake:
#
#   cmake -D input=FILE -D output=FILE.cpp -D header=HEADER -D function=NAMESPACE::NAME -P EmbedFile.cmake

file(READ "${input}" hex HEX)
file(SHA256 "${input}" sha256)
string(SUBSTRING "${sha256}" 0 16 tag)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(
  WRITE "${output}"
  "// Made by cmake/EmbedFile.cmake.
#include \"${header}\"

static const unsigned char kBytes[] = {
${bytes}
};

std::string_view ${function}() { return {reinterpret_cast<const char*>(kBytes), sizeof kBytes}; }
std::string_view ${function}_etag() { return \"\\\"${tag}\\\"\"; }
")
