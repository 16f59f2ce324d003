#include "skink/simulations/profile.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <set>

using namespace skink;
using namespace skink::simulations;

namespace {

const std::string kSine = R"(name = "sine"
[model]
input = [1]
loss = "mean_squared_error"
layers = [
  { type = "dense", units = 16 },
  { type = "relu" },
  { type = "dense", units = 32 },
  { type = "tanh" },
  { type = "dense", units = 1 },
]
[task]
source = "sine"
support_size = 8
[meta]
strategy = "tinyreptile"
rounds = 10
inner_learning_rate = 0.01
passes = 2
[evaluation]
every = 5
tasks = 3
[fleet]
devices = 40
held_out = 2
)";

ProfileOptions options_of(Lanes lanes, std::uint32_t cohort) {
  ProfileOptions options;
  const auto experiment = parse_experiment(kSine, "sine.toml", {{"meta.cohort", std::to_string(cohort)}});
  REQUIRE(experiment.has_value());
  options.run.experiment = *experiment;
  options.run.lanes = lanes;
  options.seconds = 0.05;
  return options;
}

}  // namespace

TEST_CASE("profile: every stage of the work has a time, of all kinds of lanes", "[simulation][profile]") {
  const Lanes lanes = GENERATE(Lanes::kDevice, Lanes::kNeuron, Lanes::kScalar);
  const std::uint32_t cohort = GENERATE(1U, 16U);
  const auto profile = run_profile(options_of(lanes, cohort));
  REQUIRE(profile.has_value());
  CHECK(profile->lanes == (lanes == Lanes::kNeuron ? "neuron" : "device"));
  CHECK((profile->isa == "scalar") == (lanes == Lanes::kScalar || available_lanes().size() == 1));
  CHECK(profile->support_count == 8);
  CHECK(profile->passes == 2);
  CHECK(profile->nanoseconds > 0);
  CHECK(profile->timed_nanoseconds > 0);
  std::set<std::string> stages;
  double shares = 0;
  for (const ProfileRow& row : profile->rows) {
    CHECK(row.nanoseconds >= 0);
    shares += row.share;
    stages.insert(row.stage);
  }
  CHECK(shares == Approx(1.0));
  for (const char* stage :
       {"draw tasks and orders", "read and arrange samples", "copy phi", "forward  dense 32", "forward  relu", "loss",
        "backward dense 1", "backward dense 32", "aggregate", "step of the coordinator", "cohorts, records"}) {
    CAPTURE(stage);
    CHECK(stages.count(stage) == 1);
  }
  const auto json = boost::json::parse(to_json(*profile)).as_object();
  CHECK(json.at("stages").as_array().size() == profile->rows.size());
  CHECK(to_table(*profile).find("forward  dense 32") != std::string::npos);
}

TEST_CASE("profile: data that are not there are refused", "[simulation][profile]") {
  ProfileOptions options = options_of(Lanes::kChosen, 1);
  options.run.experiment.task.source = TaskSource::kDataset;
  options.run.experiment.task.dataset = "absent";
  CHECK_FALSE(run_profile(options).has_value());
}
