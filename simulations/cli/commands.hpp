#pragma once
/// @file
/// The commands of skink-sim, each with its arguments; cli/main.cpp reads them from the command line. A command prints
/// its results and errors, and returns an exit code (docs/exit-codes.md).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "skink/host/program/command_line.hpp"
#include "skink/simulations/airtime.hpp"
#include "skink/simulations/feature_set.hpp"
#include "skink/simulations/import.hpp"
#include "skink/simulations/run.hpp"

namespace skink::simulations::cli {

/// Which experiment: `run`, `record`.
struct ExperimentArguments {
  std::string file;
  std::vector<std::string> settings;  ///< "key=value", in place of the file's
  std::uint32_t rounds = 0;           ///< in place of meta.rounds; 0: not said
  std::string init;                   ///< file of the model to begin with; empty: none
  std::string data;                   ///< folder of the data sets; empty: SKINK_DATA
};

/// How the learning engine computes.
struct SpeedArguments {
  std::string isa;  ///< empty: the widest
  Lanes lanes = Lanes::kChosen;
  std::uint32_t threads = 0;  ///< 0: all cores
};

struct RunArguments {
  ExperimentArguments experiment;
  std::string out;
  std::optional<Engine> engine;  ///< none: protocol if the updates are wanted, learning if not
  SpeedArguments speed;
  std::uint64_t checkpoint_rounds = 0;
  bool restarts = false;
  std::string updates;
  bool is_quiet = false;
  Peers* peers = nullptr;  ///< under mpirun
};
int run(const RunArguments& arguments);

struct ReplayArguments {
  std::string store;
  std::string data;
  std::string out;
  std::string updates;
  bool is_quiet = false;
};
/// Repeats a stored run, with its transcript, up to the last stored round, and compares each round's model.
int replay(const ReplayArguments& arguments);

struct RecordArguments {
  ExperimentArguments experiment;
  std::uint32_t device_index = 0;
  std::string out;
  bool has_own_samples = false;  ///< to adapt to without a task
};
/// Writes the samples that one device of the experiment will get.
int record(const RecordArguments& arguments);

struct SweepArguments {
  ExperimentArguments experiment;
  std::vector<std::string> grid;  ///< "key=a,b,c"
  std::string seeds = "0..4";
  std::string out;
  SpeedArguments speed;
  bool restarts = false;
  bool is_quiet = false;
};
/// Runs an experiment over a grid of settings and several seeds.
int sweep(const SweepArguments& arguments);

struct CompareArguments {
  std::vector<std::string> files;
  SweepArguments sweep;  ///< without a file and a grid
  std::string baseline;  ///< name of an arm; empty: the first
  std::string figure;    ///< of devices.csv; empty: what the objective suggests
};
/// Runs several experiments under several seeds and compares them, paired.
int compare(const CompareArguments& arguments);

struct CodecsArguments {
  SweepArguments sweep;             ///< without a grid
  std::vector<std::string> codecs;  ///< "UPLINK" or "UPLINK/DOWNLINK"; empty: the usual ones
  double share = 0.9;               ///< of what the first codec learns: the target
  std::string encoding;             ///< file with instructions; empty: not known
};
/// Runs an experiment under several codecs and seeds.
int codecs(const CodecsArguments& arguments);

struct BenchArguments {
  std::vector<std::string> nets;  ///< names or experiment files; empty: all that have a name
  std::vector<std::uint32_t> support_sizes{10};
  SpeedArguments speed;
  double seconds = 1;
  std::string json;
  bool is_quiet = false;
};
/// Measures how fast this machine adapts devices.
int bench(const BenchArguments& arguments);

struct IntakeArguments {
  std::string net = "mlp";          ///< name or experiment file
  std::vector<std::string> codecs;  ///< empty: one of each kind
  std::uint32_t cohort = 0;         ///< 0: the net's
  std::uint32_t threads = 0;        ///< 0: all cores
  double seconds = 1;
  bool is_quiet = false;
};
/// Measures how fast this machine decodes changes and adds them up.
int intake(const IntakeArguments& arguments);

struct ProfileArguments {
  ExperimentArguments experiment;
  SpeedArguments speed;  ///< one thread, always
  double seconds = 4;
  std::string json;
};
/// Shows where the time of an experiment's rounds goes.
int profile(const ProfileArguments& arguments);

struct PlanArguments {
  ExperimentArguments experiment;
  std::size_t arena_bytes = 0;     ///< what a device has; 0: not said
  bool residual_in_flash = false;  ///< it has room in flash for what error feedback keeps
  std::string json;
};
/// Shows what a device needs to learn the network.
int plan(const PlanArguments& arguments);

struct AirtimeArguments {
  ExperimentArguments experiment;    ///< without a file: `bytes`
  std::vector<std::uint32_t> bytes;  ///< lengths of messages, in place of an experiment's
  AirKind link = AirKind::kLora;
  std::vector<std::uint32_t> data_rates;  ///< LoRa; empty: all
  std::uint32_t header = 0;               ///< LoRa: AirLink::piece_header_bytes
  std::uint32_t bits_per_second = 0;      ///< of a link of which only that is known
  std::uint32_t mtu = 1280;
  double duty_cycle = 0;  ///< 0: not said
  std::string json;
  std::string csv;
};
/// Adds the command's options.
void add_airtime(Command& command, AirtimeArguments& arguments);
/// Shows how long a radio sends the messages of a round.
int airtime(const AirtimeArguments& arguments);

struct EvaluateArguments {
  ExperimentArguments experiment;
  std::string model;
  SpeedArguments speed;
  std::string json;
};
/// Adapts a model to unseen tasks, as at the end of a run.
int evaluate(const EvaluateArguments& arguments);

struct ImportArguments {
  ImportOptions options;
  std::string columns;   ///< "a,b,x0..x63"
  std::string targets;   ///< the same
  std::string horizons;  ///< "1,3,6"
  std::string shape;     ///< "8x8x1"
  std::uint32_t window = 0;
  std::uint32_t stride = 0;
  bool is_quiet = false;
};
/// Adds the command's options.
void add_import(Command& command, ImportArguments& arguments);
/// Makes a data set of a CSV file.
int import_file(const ImportArguments& arguments);

struct FeaturesArguments {
  FeatureSetOptions options;
  std::string statistics;  ///< "mean,rms"
  double rate_hz = 0;
  double low_hz = 0;
  double high_hz = 0;  ///< 0: half the rate
  double scale = 0;    ///< 0: not said
  bool is_quiet = false;
};
/// Adds the command's options.
void add_features(Command& command, FeaturesArguments& arguments);
/// Makes a data set of features out of one of readings.
int make_features(const FeaturesArguments& arguments);

}  // namespace skink::simulations::cli
