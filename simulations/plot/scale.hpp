#pragma once
/// @file
/// What plots have in common: the range of an axis, its ticks, and text in SVG.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace skink::simulations {

/// The numbers that an axis has to show.
struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double number) {
    low = std::min(low, number);
    high = std::max(high, number);
  }
};

/// 1, 2 or 5 times a power of ten, some five of them in the range.
inline double tick_step(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 5)));
  const double wanted = range / 5 / power;
  return power * (wanted < 1.5 ? 1 : wanted < 3.5 ? 2 : wanted < 7.5 ? 5 : 10);
}

/// Text between tags, or in an attribute.
inline std::string xml_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&apos;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace skink::simulations
