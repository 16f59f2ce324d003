#include <fmt/format.h>

#include <cmath>

#include "plot/scale.hpp"
#include "skink/coordinator/results/figures.hpp"
#include "skink/simulations/compare.hpp"

namespace skink::simulations {
namespace {

constexpr double kLeft = 300;   // for the names
constexpr double kWidth = 640;  // of the axis
constexpr double kTop = 40;
constexpr double kRow = 44;
constexpr std::size_t kMostNameBytes = 44;

/// The figure, from left to right.
class Axis {
 public:
  explicit Axis(const CompareResult& result) : percent_(result.figure == "accuracy") {
    for (const ArmRow& arm : result.arms) {
      for (const rounds::Spread& spread : {arm.before, arm.after}) {
        const double half = std::isnan(spread.half_width) ? 0 : spread.half_width;
        if (!std::isnan(spread.mean)) add(spread.mean - half, spread.mean + half);
      }
      for (const UnitRow& unit : arm.units) {
        if (!std::isnan(unit.after)) add(unit.after, unit.after);
      }
    }
    if (extent_.low > extent_.high) extent_ = {0, 1};
    const double room = extent_.high > extent_.low ? 0.03 * (extent_.high - extent_.low) : 0.5;
    extent_.low -= room;
    extent_.high += room;
  }

  double x(double value) const { return kLeft + kWidth * (value - extent_.low) / (extent_.high - extent_.low); }

  std::string ticks(double bottom) const {
    std::string text;
    const double step = tick_step(extent_.high - extent_.low);
    const auto last = static_cast<std::int64_t>(std::floor(extent_.high / step));
    for (auto n = static_cast<std::int64_t>(std::ceil(extent_.low / step)); n <= last; ++n) {
      const double tick = static_cast<double>(n) * step;
      text += fmt::format(
          "<line x1='{0:.1f}' x2='{0:.1f}' y1='{1}' y2='{2}' stroke='#ddd'/>\n"
          "<text x='{0:.1f}' y='{3}' text-anchor='middle'>{4:.3g}</text>\n",
          x(tick), kTop, bottom, bottom + 18, percent_ ? 100 * tick : tick);
    }
    return text;
  }

 private:
  void add(double low, double high) {
    extent_.add(low);
    extent_.add(high);
  }
  Extent extent_;
  bool percent_;
};

std::string interval(const Axis& axis, const rounds::Spread& spread, double y, const char* colour) {
  if (std::isnan(spread.mean) || std::isnan(spread.half_width)) return "";
  return fmt::format("<line x1='{:.1f}' x2='{:.1f}' y1='{:.1f}' y2='{:.1f}' stroke='{}' stroke-width='2'/>\n",
                     axis.x(spread.mean - spread.half_width), axis.x(spread.mean + spread.half_width), y, y, colour);
}

std::string mark(const Axis& axis, double value, double y, double radius, const char* fill, const char* stroke) {
  if (std::isnan(value)) return "";
  return fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='{}' fill='{}' stroke='{}'/>\n", axis.x(value), y, radius, fill,
                     stroke);
}

/// At most so many bytes, cut between characters.
std::string shortened(const std::string& name) {
  if (name.size() <= kMostNameBytes) return name;
  std::size_t end = kMostNameBytes - 3;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
  return name.substr(0, end) + "...";
}

std::string row(const Axis& axis, const ArmRow& arm, double y) {
  std::string text = fmt::format("<text x='{}' y='{:.1f}' text-anchor='end'>{}</text>\n", kLeft - 12, y + 4,
                                 xml_text(shortened(arm.name)));
  text += "<g fill-opacity='0.35'>\n";
  for (const UnitRow& unit : arm.units) text += mark(axis, unit.after, y + 10, 2.5, "#1f77b4", "none");
  text += "</g>\n" + interval(axis, arm.before, y - 9, "#999");
  text += mark(axis, arm.before.mean, y - 9, 4.5, "white", "#666");
  text += interval(axis, arm.after, y, "#1f77b4");
  return text + mark(axis, arm.after.mean, y, 5, "#1f77b4", "#1f77b4");
}

std::string legend(const CompareResult& result) {
  std::string text = fmt::format("<circle cx='{}' cy='18' r='4.5' fill='white' stroke='#666'/>\n", kLeft);
  text += fmt::format("<text x='{}' y='22'>before</text>\n", kLeft + 10);
  text += fmt::format("<circle cx='{}' cy='18' r='5' fill='#1f77b4'/>\n", kLeft + 75);
  text += fmt::format("<text x='{}' y='22'>after adaptation, 95 % interval</text>\n", kLeft + 86);
  text += fmt::format("<circle cx='{}' cy='18' r='2.5' fill='#1f77b4' fill-opacity='0.35'/>\n", kLeft + 300);
  return text +
         fmt::format("<text x='{}' y='22'>one {}, after</text>\n", kLeft + 308, coordinator::unit_name(result.unit));
}

}  // namespace

std::string compare_svg(const CompareResult& result) {
  const Axis axis(result);
  const double bottom = kTop + kRow * static_cast<double>(result.arms.size());
  const double height = bottom + 55;
  const double width = kLeft + kWidth + 30;
  std::string text = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
      "font-family='sans-serif' font-size='12'>\n<rect width='{0}' height='{1}' fill='white'/>\n",
      width, height);
  text += axis.ticks(bottom) + legend(result);
  text += fmt::format("<rect x='{}' y='{}' width='{}' height='{}' fill='none' stroke='#888'/>\n", kLeft, kTop, kWidth,
                      bottom - kTop);
  for (std::size_t a = 0; a < result.arms.size(); ++a) {
    text += row(axis, result.arms[a], kTop + kRow * (static_cast<double>(a) + 0.5));
  }
  const std::string title = result.figure == "accuracy" ? "accuracy, %" : xml_text(result.figure);
  return text + fmt::format("<text x='{}' y='{}' text-anchor='middle'>{}</text>\n</svg>\n", kLeft + kWidth / 2,
                            bottom + 40, title);
}

}  // namespace skink::simulations
