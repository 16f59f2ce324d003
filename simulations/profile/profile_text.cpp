#include <fmt/format.h>

#include <boost/json.hpp>

#include "skink/simulations/profile.hpp"

namespace skink::simulations {
namespace {

double sum_of(const Profile& profile) {
  double sum = 0;
  for (const ProfileRow& row : profile.rows) sum += row.nanoseconds;
  return sum;
}

}  // namespace

std::string to_table(const Profile& profile) {
  std::string text = fmt::format("{}: {} samples a device, {} {}; {} lanes of {}, one thread\n\n", profile.experiment,
                                 profile.support_count, profile.passes, profile.passes == 1 ? "pass" : "passes",
                                 profile.lanes, profile.isa);
  text +=
      fmt::format("{:<50} {:>16} {:>8} {:>9} {:>10}\n", "stage", "ns/device-round", "share %", "GFLOP/s", "% of peak");
  for (const ProfileRow& row : profile.rows) {
    text += fmt::format("{:<50} {:>16.1f} {:>8.1f}", row.stage, row.nanoseconds, 100 * row.share);
    if (row.gigaflops > 0) text += fmt::format(" {:>9.1f} {:>10.1f}", row.gigaflops, 100 * row.fraction_of_peak);
    text += "\n";
  }
  text += fmt::format("{:<50} {:>16.1f}\n", "all stages", sum_of(profile));
  text += fmt::format("{:<50} {:>16.1f}   ({:.0f} device-rounds/s)\n", "a device-round without the clock",
                      profile.nanoseconds, 1e9 / profile.nanoseconds);
  text += fmt::format("{:<50} {:>16.1f}\n", "a device-round with the clock", profile.timed_nanoseconds);
  return text;
}

std::string to_json(const Profile& profile) {
  boost::json::array rows;
  for (const ProfileRow& row : profile.rows) {
    rows.push_back(boost::json::object{{"stage", row.stage},
                                       {"nanoseconds", row.nanoseconds},
                                       {"share", row.share},
                                       {"gigaflops", row.gigaflops},
                                       {"fraction_of_peak", row.fraction_of_peak}});
  }
  return boost::json::serialize(boost::json::object{{"experiment", profile.experiment},
                                                    {"lanes", profile.lanes},
                                                    {"isa", profile.isa},
                                                    {"support_count", profile.support_count},
                                                    {"passes", profile.passes},
                                                    {"nanoseconds", profile.nanoseconds},
                                                    {"timed_nanoseconds", profile.timed_nanoseconds},
                                                    {"stages", rows}}) +
         "\n";
}

}  // namespace skink::simulations
