/// @file
/// Where in a stream of windows a sample begins.

#include "skink/firmware/samples/onset_gate.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <utility>
#include <vector>

using namespace skink;
using firmware::OnsetGate;

TEST_CASE("onset gate: an event of its length, then a pause", "[firmware][samples]") {
  using Window = OnsetGate::Window;
  OnsetGate gate(1, 3, 2);
  const std::vector<std::pair<float, Window>> steps{{0, Window::kQuiet},  {1, Window::kQuiet},  {2, Window::kBegins},
                                                    {0, Window::kGoesOn}, {2, Window::kGoesOn}, {2, Window::kQuiet},
                                                    {0, Window::kQuiet},  {2, Window::kQuiet},  {0, Window::kQuiet},
                                                    {0, Window::kQuiet},  {2, Window::kBegins}, {2, Window::kGoesOn}};
  for (const auto& [level, window] : steps) CHECK(gate.add(level) == window);
  gate.reset();
  CHECK(gate.add(std::numeric_limits<float>::quiet_NaN()) == Window::kQuiet);
  CHECK(gate.add(5) == Window::kBegins);
  OnsetGate single(1, 1, 0);
  CHECK(single.add(2) == Window::kBegins);
  CHECK(single.add(2) == Window::kBegins);
}
