#include "skink/host/experiment/experiment_text.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <vector>

#include "skink/common/crypto/crypto.hpp"
#include "skink/host/experiment/layer_text.hpp"
#include "skink/host/experiment/strategies.hpp"

namespace skink {
namespace {

/// TOML's numbers with a fraction have a point or an exponent.
std::string with_point(std::string text) {
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string number(double value) { return with_point(fmt::format("{}", value)); }

/// The shortest that is read as this float: the reader rounds the text to a double first.
std::string number(float value) {
  const std::string text = fmt::format("{}", value);
  const bool is_exact = static_cast<float>(std::strtod(text.c_str(), nullptr)) == value;
  return is_exact ? with_point(text) : number(static_cast<double>(value));
}

std::string interval(float low, float high) { return "[" + number(low) + ", " + number(high) + "]"; }

/// A basic string of TOML. What an experiment may hold needs no escapes but these.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    out += byte < 0x20 || byte == 0x7f ? fmt::format("\\u{:04X}", byte) : std::string(1, c);
  }
  return out + "\"";
}

/// Lines "key = value".
class Lines {
 public:
  void section(const char* name) { text_ += fmt::format("\n[{}]\n", name); }
  void text(const char* key, const std::string& value) { line(key, quoted(value)); }
  void integer(const char* key, std::uint64_t value) { line(key, std::to_string(value)); }
  template <class Real>
  void real(const char* key, Real value) {
    line(key, number(value));
  }
  void line(const char* key, const std::string& value) { text_ += fmt::format("{} = {}\n", key, value); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

template <class Value, class Text>
std::string list(const std::vector<Value>& values, const Text& text) {
  std::string out;
  for (const Value& value : values) out += (out.empty() ? "[" : ", ") + text(value);
  return out + "]";
}

/// One number, or a list.
std::string numbers(const std::vector<float>& values) {
  if (values.size() == 1) return number(values.front());
  return list(values, [](float value) { return number(value); });
}

std::string size(const TaskSize& size) {
  switch (size.kind) {
    case TaskSize::Kind::kCount: return std::to_string(size.count);
    case TaskSize::Kind::kFraction: return number(size.fraction);
    case TaskSize::Kind::kAll: break;
  }
  return "\"all\"";
}

// ---- [model]

const char* kind_text(nn::LayerKind kind) {
  switch (kind) {
    case nn::LayerKind::kDense: return "dense";
    case nn::LayerKind::kConv2d: return "conv2d";
    case nn::LayerKind::kDepthwiseConv2d: return "depthwise_conv2d";
    case nn::LayerKind::kMaxPool: return "max_pool";
    case nn::LayerKind::kAveragePool: return "average_pool";
    case nn::LayerKind::kGlobalAveragePool: return "global_average_pool";
    case nn::LayerKind::kGroupNorm: return "group_norm";
    case nn::LayerKind::kFlatten: return "flatten";
    case nn::LayerKind::kRelu: return "relu";
    case nn::LayerKind::kTanh: return "tanh";
    case nn::LayerKind::kRational: break;
  }
  return "rational";
}

const char* trainable_text(const nn::LayerSpec& spec) {
  if (spec.train_weights) return spec.train_bias ? "all" : "weights";
  return spec.train_bias ? "bias" : "none";
}

std::string initializer_text(const LayerConfig& layer) {
  switch (layer.initializer) {
    case Initializer::kHeUniform: return ", initializer = \"he_uniform\", gain = " + number(layer.gain);
    case Initializer::kKinks:
      return ", initializer = \"kinks\", slopes = " + interval(layer.slope_min, layer.slope_max) +
             ", inputs = " + interval(layer.input_min, layer.input_max);
    case Initializer::kZeros: break;
  }
  return ", initializer = \"zeros\"";
}

std::string layer_line(const LayerConfig& layer) {
  using nn::LayerKind;
  const nn::LayerSpec& spec = layer.spec;
  const LayerKind kind = spec.kind;
  std::string text = fmt::format("type = \"{}\"", kind_text(kind));
  if (kind == LayerKind::kDense) text += fmt::format(", units = {}", spec.units);
  if (kind == LayerKind::kConv2d) text += fmt::format(", filters = {}", spec.units);
  if (kind == LayerKind::kGroupNorm) text += fmt::format(", groups = {}", spec.units);
  const bool has_windows = kind == LayerKind::kConv2d || kind == LayerKind::kDepthwiseConv2d ||
                           kind == LayerKind::kMaxPool || kind == LayerKind::kAveragePool;
  if (has_windows) {
    text +=
        fmt::format(", kernel = [{}, {}], stride = [{}, {}], padding = \"{}\"", spec.kernel_height, spec.kernel_width,
                    spec.stride_height, spec.stride_width, spec.padding == nn::Padding::kSame ? "same" : "valid");
  }
  const bool is_drawn = kind == LayerKind::kDense || kind == LayerKind::kConv2d || kind == LayerKind::kDepthwiseConv2d;
  if (is_drawn) text += initializer_text(layer);
  if (nn::has_parameters(kind)) text += fmt::format(", trainable = \"{}\"", trainable_text(spec));
  return "  { " + text + " },\n";
}

void write_model(const ModelConfig& model, Lines& out) {
  out.section("model");
  const nn::Shape shape = model.input;
  out.line("input", shape.is_flat() ? fmt::format("[{}]", shape.channels)
                                    : fmt::format("[{}, {}, {}]", shape.height, shape.width, shape.channels));
  out.line("input_scale", numbers(model.input_scale));
  out.line("input_offset", numbers(model.input_offset));
  out.text("loss", loss_text(model.loss));
  std::string layers = "[\n";
  for (const LayerConfig& layer : model.layers) layers += layer_line(layer);
  out.line("layers", layers + "]");
}

// ---- the other sections: a key more in the reader is a line more here

void write_dataset(const TaskConfig& task, Objective objective, Lines& out) {
  const bool is_by_client = task.group == TaskGrouping::kClient;
  const bool is_permuted = task.labels == TaskLabels::kPermuted;
  out.text("dataset", task.dataset);
  if (objective == Objective::kClassify) {
    out.text("labels", is_permuted ? "permuted" : "fixed");
    out.line("ways", task.ways == 0 ? "\"all\"" : std::to_string(task.ways));
  }
  out.text("group", is_by_client ? "client" : "class");
  if (!task.classes.empty()) out.line("classes", list(task.classes, quoted));
  if (!task.normal.empty()) out.text("normal", task.normal);
  out.text("order", task.order == SampleOrder::kTime ? "time" : "random");
  out.integer("gap", task.gap);
  out.integer("min_records", task.min_records);
  if (objective == Objective::kRegress) {
    out.real("target_scale", task.target_scale);
    out.real("target_offset", task.target_offset);
    if (!task.persistence.empty()) {
      out.line("persistence", list(task.persistence, [](std::uint32_t channel) { return std::to_string(channel); }));
    }
  }
  if (!is_permuted) return;
  out.integer("rotations", task.rotations);
  if (!is_by_client) out.integer("validation_classes", task.validation_classes);
}

void write_task(const TaskConfig& task, Objective objective, Lines& out) {
  const bool is_sine = task.source == TaskSource::kSine;
  out.section("task");
  out.text("source", is_sine ? "sine" : "dataset");
  out.line("support_size", size(task.support_size));
  out.line("query_size", size(task.query_size));
  out.text("fresh", task.fresh == TaskFreshness::kDevice ? "device" : "round");
  if (!is_sine) {
    write_dataset(task, objective, out);
    return;
  }
  out.line("amplitude", interval(task.amplitude_min, task.amplitude_max));
  out.line("phase", interval(task.phase_min, task.phase_max));
  out.line("input", interval(task.input_min, task.input_max));
}

void write_meta(const MetaConfig& meta, Lines& out) {
  out.section("meta");
  const StrategyTraits& traits = traits_of(meta.strategy);
  out.text("strategy", std::string(traits.name));
  out.integer("rounds", meta.rounds);
  out.integer("cohort", meta.cohort);
  out.real("inner_learning_rate", meta.inner_learning_rate);
  out.integer("passes", meta.passes);
  out.integer("batch_size", meta.batch_size);
  out.real("meta_learning_rate", meta.meta_learning_rate);
  out.real("meta_learning_rate_final", meta.meta_learning_rate_final);
  if (meta.says_clip) out.real("clip_norm", meta.clip_norm);
  if (meta.says_clip) out.real("clip_factor", meta.clip_factor);
  for (const StrategyKey& key : traits.keys) out.real(std::string(key.name).c_str(), meta.*key.value);
}

void write_evaluation(const Experiment& experiment, Lines& out) {
  const EvaluationConfig& evaluation = experiment.evaluation;
  const TaskConfig& task = experiment.task;
  out.section("evaluation");
  out.integer("every", evaluation.every);
  if (evaluation.says_tasks) out.integer("tasks", evaluation.tasks);
  if (evaluation.says_final_tasks) out.integer("final_tasks", evaluation.final_tasks);
  out.text("split", evaluation.split == Split::kValidation ? "validation" : "test");
  out.line("support_size", size(evaluation.support_size));
  out.line("query_size", size(evaluation.query_size));
  out.integer("passes", evaluation.passes);
  out.integer("batch_size", evaluation.batch_size);
  out.real("inner_learning_rate", evaluation.inner_learning_rate);
  const bool is_permuted = task.source == TaskSource::kDataset && task.labels == TaskLabels::kPermuted;
  if (is_permuted) out.integer("rotations", evaluation.rotations);
  if (experiment.adapt != AdaptConfig() || evaluation.scope != ScopeConfig()) out.text("scope", evaluation.scope.text);
}

void write_partition(const PartitionConfig& partition, Lines& out) {
  switch (partition.kind) {
    case PartitionKind::kNatural: out.text("partition", "natural"); return;
    case PartitionKind::kIid:
      out.text("partition", "iid");
      out.text("sizes", partition.sizes == PartitionSizes::kEqual    ? "equal"
                        : partition.sizes == PartitionSizes::kLinear ? "linear"
                                                                     : "square");
      break;
    case PartitionKind::kDirichlet:
      out.text("partition", "dirichlet");
      out.real("alpha", partition.alpha);
      break;
    case PartitionKind::kClasses:
      out.text("partition", "classes");
      out.integer("classes_per_device", partition.classes_per_device);
      break;
  }
  out.integer("least_records", partition.least);
}

void write_fleet(const FleetConfig& fleet, TaskSource source, Lines& out) {
  out.section("fleet");
  if (fleet.devices_are_clients) {
    out.text("devices", "clients");
  } else {
    out.integer("devices", fleet.devices);
    out.integer("held_out", fleet.held_out);
    out.text("hold_out", fleet.hold_out == HoldOut::kLast ? "last" : "drawn");
  }
  if (source == TaskSource::kDataset) write_partition(fleet.partition, out);
  out.integer("deadline_ms", fleet.deadline_ms);
  out.integer("offline_ms", fleet.offline_ms);
}

void write_personal(const PersonalConfig& personal, Lines& out) {
  if (personal.passes == 0) return;
  out.section("personal");
  out.real("inner_learning_rate", personal.inner_learning_rate);
  out.integer("passes", personal.passes);
  out.integer("batch_size", personal.batch_size);
}

void write_codecs(const Experiment& experiment, Lines& out) {
  out.section("codec");
  out.text("uplink", experiment.uplink);
  out.text("downlink", experiment.downlink);
}

// ---- comparison

struct KeyValue {
  std::string key;
  std::string value;
};

/// The keys of a text as to_toml() writes it; of any other text some of them.
std::vector<KeyValue> keys_of(std::string_view text) {
  std::vector<KeyValue> keys;
  std::string section;
  std::size_t layer = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t equals = line.find(" = ");
    if (line.substr(0, 4) == "  { ") {
      keys.push_back({section + "layers." + std::to_string(layer++), std::string(line.substr(2))});
    } else if (line.substr(0, 1) == "[") {
      section = std::string(line) + " ";
    } else if (equals != std::string_view::npos && line.substr(equals) != " = [") {
      keys.push_back({section + std::string(line.substr(0, equals)), std::string(line.substr(equals + 3))});
    }
  }
  return keys;
}

}  // namespace

std::string to_toml(const Experiment& experiment) {
  Lines out;
  out.text("name", experiment.name);
  out.integer("seed", experiment.seed);
  if (!experiment.init.is_random()) out.text("init", experiment.init.digest);
  write_model(experiment.model, out);
  write_task(experiment.task, objective_of(experiment), out);
  write_meta(experiment.meta, out);
  if (experiment.adapt != AdaptConfig()) {
    out.section("adapt");
    out.text("scope", experiment.adapt.scope.text);
  }
  write_evaluation(experiment, out);
  write_fleet(experiment.fleet, experiment.task.source, out);
  write_codecs(experiment, out);
  write_personal(experiment.model.personal, out);
  return out.text();
}

std::string experiment_sha256(const Experiment& experiment) {
  const std::string text = to_toml(experiment);
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(crypto::sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}), hex);
  return hex;
}

std::string first_difference(std::string_view there, std::string_view here) {
  std::map<std::string, std::string> old;
  for (KeyValue& one : keys_of(there)) old[one.key] = std::move(one.value);
  for (const KeyValue& one : keys_of(here)) {
    const auto found = old.find(one.key);
    if (found == old.end()) return one.key + ": absent there, " + one.value + " here";
    if (found->second != one.value) return one.key + ": " + found->second + " there, " + one.value + " here";
    old.erase(found);
  }
  if (old.empty()) return there == here ? "" : "its text is not as this version writes it";
  return old.begin()->first + ": " + old.begin()->second + " there, absent here";
}

}  // namespace skink
