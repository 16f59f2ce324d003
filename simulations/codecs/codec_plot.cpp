#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plot/scale.hpp"
#include "skink/simulations/codecs.hpp"

namespace skink::simulations {
namespace {

constexpr const char* kColours[] = {"#444444", "#1f77b4", "#2ca02c", "#d62728", "#9467bd", "#8c564b",
                                    "#e377c2", "#17becf", "#bcbd22", "#ff7f0e", "#1b4d3e", "#5a2ca0"};
constexpr double kWidth = 400;
constexpr double kHeight = 300;

const char* colour(std::size_t row) { return kColours[row % std::size(kColours)]; }
/// Once the colours begin again, marks are hollow and curves dashed.
bool is_again(std::size_t row) { return row / std::size(kColours) % 2 == 1; }

std::string mark(std::size_t row, double x, double y) {
  return fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='4' fill='{}' stroke='{}' stroke-width='1.5'/>\n", x, y,
                     is_again(row) ? "white" : colour(row), colour(row));
}

/// A panel with bytes on a logarithmic axis, and what was learned on a linear one.
class Panel {
 public:
  Panel(double left, double top, const Extent& bytes, const Extent& values, bool classifies)
      : left_(left), top_(top), values_(values.low <= values.high ? values : Extent{0, 1}), classifies_(classifies) {
    log_.low = bytes.low <= bytes.high ? std::floor(std::log10(std::max(1.0, bytes.low))) : 0;
    log_.high = std::max(log_.low + 1, std::ceil(std::log10(std::max(1.0, bytes.high))));
    const double room = values_.high > values_.low ? 0.05 * (values_.high - values_.low) : 0.5;
    values_.low -= room;
    values_.high += room;
  }

  double x(double bytes) const {
    return left_ + kWidth * (std::log10(std::max(1.0, bytes)) - log_.low) / (log_.high - log_.low);
  }
  double y(double value) const { return top_ + kHeight * (values_.high - value) / (values_.high - values_.low); }

  std::string frame(const std::string& title, const std::string& of_y) const {
    std::string text = fmt::format(
        "<rect x='{}' y='{}' width='{}' height='{}' fill='none' stroke='#888'/>\n"
        "<text x='{}' y='{}' text-anchor='middle'>{}</text>\n",
        left_, top_, kWidth, kHeight, left_ + kWidth / 2, top_ + kHeight + 40, title);
    text += fmt::format("<text transform='translate({},{}) rotate(-90)' text-anchor='middle'>{}</text>\n", left_ - 48,
                        top_ + kHeight / 2, of_y);
    for (int decade = static_cast<int>(log_.low); decade <= static_cast<int>(log_.high); ++decade) {
      const double here = x(std::pow(10, decade));
      text += fmt::format(
          "<line x1='{0:.1f}' x2='{0:.1f}' y1='{1}' y2='{2}' stroke='#ddd'/>\n"
          "<text x='{0:.1f}' y='{3}' text-anchor='middle'>{4}</text>\n",
          here, top_, top_ + kHeight, top_ + kHeight + 18, bytes_text(decade));
    }
    const double step = tick_step(values_.high - values_.low);
    const auto last = static_cast<std::int64_t>(std::floor(values_.high / step));
    for (auto n = static_cast<std::int64_t>(std::ceil(values_.low / step)); n <= last; ++n) {
      const double tick = static_cast<double>(n) * step;
      const double here = y(tick);
      text += fmt::format(
          "<line x1='{0}' x2='{1}' y1='{2:.1f}' y2='{2:.1f}' stroke='#ddd'/>\n"
          "<text x='{3}' y='{4:.1f}' text-anchor='end'>{5:.3g}</text>\n",
          left_, left_ + kWidth, here, left_ - 6, here + 4, classifies_ ? 100 * tick : tick);
    }
    return text;
  }

 private:
  static std::string bytes_text(int decade) {
    constexpr const char* kUnits[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    const auto thousands = std::min<std::size_t>(static_cast<std::size_t>(decade) / 3, std::size(kUnits) - 1);
    return fmt::format("{:.0f} {}", std::pow(10, decade - 3 * static_cast<double>(thousands)), kUnits[thousands]);
  }
  double left_;
  double top_;
  Extent log_;
  Extent values_;
  bool classifies_;
};

double half_of(const rounds::Spread& value) { return std::isnan(value.half_width) ? 0 : value.half_width; }

std::string points(const CodecsResult& result, const Panel& panel) {
  std::string text;
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const CodecRow& row = result.rows[i];
    const double x = panel.x(row.up_bytes);
    if (!row.value) continue;
    const double half = half_of(*row.value);
    text += fmt::format("<line x1='{0:.1f}' x2='{0:.1f}' y1='{1:.1f}' y2='{2:.1f}' stroke='{3}'/>\n", x,
                        panel.y(row.value->mean - half), panel.y(row.value->mean + half), colour(i));
    text += mark(i, x, panel.y(row.value->mean));
  }
  return text;
}

std::string curves(const CodecsResult& result, const Panel& panel) {
  std::string text;
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    std::string path;
    for (const CodecPoint& point : result.rows[i].curve) {
      if (point.rounds == 0 || !point.value) continue;  // before anything was sent
      path += fmt::format("{:.1f},{:.1f} ", panel.x(point.total_bytes), panel.y(*point.value));
    }
    text += fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='1.5'{}/>\n", path, colour(i),
                        is_again(i) ? " stroke-dasharray='5 3'" : "");
  }
  return text;
}

std::string legend(const CodecsResult& result, double top) {
  std::string text;
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const std::size_t line = i / 2;
    const double y = top + 18 * static_cast<double>(line);
    const double x = 80 + 460 * static_cast<double>(i % 2);
    text += mark(i, x + 6, y + 6);
    text += fmt::format("<text x='{}' y='{}'>{}</text>\n", x + 18, y + 11, result.rows[i].choice.name());
  }
  return text;
}

}  // namespace

std::string codecs_svg(const CodecsResult& result) {
  Extent up;
  Extent total;
  Extent ends;
  Extent values;
  for (const CodecRow& row : result.rows) {
    up.add(row.up_bytes);
    if (row.value) {
      ends.add(row.value->mean - half_of(*row.value));
      ends.add(row.value->mean + half_of(*row.value));
    }
    for (const CodecPoint& point : row.curve) {
      if (point.rounds == 0 || !point.value) continue;
      total.add(point.total_bytes);
      values.add(*point.value);
    }
  }
  const std::size_t lines = (result.rows.size() + 1) / 2;
  const double height = 30 + kHeight + 65 + 18 * static_cast<double>(lines) + 10;
  const char* const measure = result.classifies ? "accuracy after adaptation, %" : "loss after adaptation";
  const Panel left(80, 30, up, ends, result.classifies);
  const Panel right(570, 30, total, values, result.classifies);
  std::string text = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1000 {0}' width='1000' height='{0}' "
      "font-family='sans-serif' font-size='12'>\n<rect width='1000' height='{0}' fill='white'/>\n",
      height);
  text += left.frame("bytes up on the wire, a device-round", measure) + points(result, left);
  text += right.frame("bytes up and down on the wire, all devices", measure) + curves(result, right);
  return text + legend(result, 30 + kHeight + 60) + "</svg>\n";
}

}  // namespace skink::simulations
