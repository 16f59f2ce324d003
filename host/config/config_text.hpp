#pragma once
/// @file
/// Words for the messages of readers: what is allowed and what was found. Include from .cpp files only.

#include <cstdint>
#include <string>
#include <string_view>

#include "config_tree.hpp"
#include "skink/host/config/config_reader.hpp"

namespace skink::internal {

std::string quoted(std::string_view text);
/// The shortest text that reads back as `value`.
std::string number_text(double value);
std::string range_text(IntegerRange range);
std::string range_text(RealRange range);
std::string found_text(const ConfigNode& node);

bool contains(IntegerRange range, std::int64_t value);
bool contains(RealRange range, double value);
bool is_number(const ConfigNode& node);
/// Of a node that is_number().
double number_of(const ConfigNode& node);

}  // namespace skink::internal
