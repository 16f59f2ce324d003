# Compresses files and writes a C++ source with a table of them (skink/coordinator/http/asset.hpp). Run by
# skink_embed_assets() of SkinkTargets.cmake:
#
#   cmake -D manifest=FILE -D output=FILE.cpp -D header=HEADER -D function=NAMESPACE::NAME -D gzip=PROGRAM -P EmbedAssets.cmake
#
# The manifest has a line "PATH TYPE FILE" for each. -n: the same bytes give the same bytes, whatever their date.

file(STRINGS "${manifest}" lines)
set(arrays "")
set(table "")
set(number 0)
foreach(line IN LISTS lines)
  string(REGEX MATCH "^([^ ]+) ([^ ]+) (.+)$" matched "${line}")
  set(path "${CMAKE_MATCH_1}")
  set(type "${CMAKE_MATCH_2}")
  set(file "${CMAKE_MATCH_3}")
  if(type MATCHES "^text/")
    string(APPEND type "; charset=utf-8")
  endif()
  execute_process(COMMAND "${gzip}" -9nc "${file}" OUTPUT_FILE "${output}.gz" COMMAND_ERROR_IS_FATAL ANY)
  file(READ "${output}.gz" hex HEX)
  file(SHA256 "${file}" sha256)
  string(SUBSTRING "${sha256}" 0 16 tag)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "const unsigned char kFile${number}[] = {\n${bytes}\n};\n")
  string(APPEND table
    "    {\"${path}\", \"${type}\", {reinterpret_cast<const char*>(kFile${number}), sizeof kFile${number}}, "
    "skink::coordinator::http::Encoding::kGzip, \"\\\"${tag}\\\"\"},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(REMOVE "${output}.gz")
file(
  WRITE "${output}"
  "// Made by cmake/EmbedAssets.cmake.
#include \"${header}\"

namespace {
${arrays}
const skink::coordinator::http::Asset kAssets[] = {
${table}};
}  // namespace

skink::Span<const skink::coordinator::http::Asset> ${function}() { return {kAssets, sizeof kAssets / sizeof kAssets[0]}; }
")
