#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>

#include "skink/host/experiment/device_memory.hpp"
#include "skink/host/experiment/layer_text.hpp"
#include "skink/host/files/files.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {
namespace {

std::size_t parameters_of(const nn::Network& network, std::size_t layer) {
  std::size_t count = 0;
  for (const nn::Tensor& tensor : network.tensors()) {
    if (tensor.layer == layer) count += tensor.count;
  }
  return count;
}

std::string layers_table(const nn::Network& network) {
  std::string text = fmt::format("{:<54} {:>12} {:>12}\n", "layer", "output", "parameters");
  for (std::size_t l = 0; l < network.layers().size(); ++l) {
    const nn::LayerPlan& layer = network.layers()[l];
    text +=
        fmt::format("{:<54} {:>12} {:>12}\n", layer_text(layer.spec), shape_text(layer.out), parameters_of(network, l));
  }
  return text + fmt::format("{:<54} {:>12} {:>12}\n", "", "", network.parameter_count());
}

std::string memory_table(const DeviceMemory& memory) {
  std::string text = fmt::format("{:<54} {:>12} {:>12}\n", "RAM of the learner, bytes", "adapt", "evaluate");
  const auto row = [&](const char* name, std::size_t nn::MemoryPlan::*part) {
    if (memory.adapt.*part == 0 && memory.evaluate.*part == 0) return;
    text += fmt::format("{:<54} {:>12} {:>12}\n", name, memory.adapt.*part, memory.evaluate.*part);
  };
  row("parameters", &nn::MemoryPlan::parameters);
  if (memory.adapt_moved != memory.adapt.parameters || memory.evaluate_moved != memory.evaluate.parameters) {
    text += fmt::format("{:<54} {:>12} {:>12}\n", "  instead, where flash is read like memory", memory.adapt_moved,
                        memory.evaluate_moved);
  }
  row("inputs", &nn::MemoryPlan::inputs);
  row("activations", &nn::MemoryPlan::activations);
  row("weight gradients of an input channel", &nn::MemoryPlan::scratch);
  row("gradients of a mini-batch", &nn::MemoryPlan::gradients);
  row("encoded change", &nn::MemoryPlan::codec);
  row("what was not sent yet (error feedback)", &nn::MemoryPlan::residual);
  row("total", &nn::MemoryPlan::total);
  return text;
}

boost::json::object to_json(const nn::MemoryPlan& plan) {
  return {{"parameters", plan.parameters}, {"inputs", plan.inputs},       {"activations", plan.activations},
          {"scratch", plan.scratch},       {"gradients", plan.gradients}, {"codec", plan.codec},
          {"residual", plan.residual},     {"total", plan.total}};
}

std::string to_json(const Experiment& experiment, const nn::Network& network, const DeviceMemory& memory) {
  return boost::json::serialize(boost::json::object{{"experiment", experiment.name},
                                                    {"parameters", network.parameter_count()},
                                                    {"arena_bytes", memory.arena()},
                                                    {"arena_bytes_residual_in_flash", memory.arena_without_residual()},
                                                    {"adapt", to_json(memory.adapt)},
                                                    {"evaluate", to_json(memory.evaluate)},
                                                    {"adapt_moved_bytes", memory.adapt_moved},
                                                    {"evaluate_moved_bytes", memory.evaluate_moved},
                                                    {"latent_bytes", memory.latent},
                                                    {"model_bytes", memory.model},
                                                    {"uplink", experiment.uplink},
                                                    {"update_bytes", memory.update},
                                                    {"downlink", experiment.downlink},
                                                    {"patching_bytes", memory.patching},
                                                    {"patch_bytes", memory.patch}}) +
         "\n";
}

}  // namespace

int plan(const PlanArguments& arguments) {
  Experiment experiment;
  const int code = read(arguments.experiment, experiment);
  if (code != kOk) return code;
  const nn::Network network = make_network(experiment.model);
  const DeviceMemory memory = device_memory(experiment);
  std::printf("%s\n%s\n", layers_table(network).c_str(), memory_table(memory).c_str());
  std::printf("%-54s %12s %12zu\n", "flash of a model, bytes; a device keeps two", "", memory.model);
  std::printf("%-54s %12s %12zu\n", ("an update sent, bytes at most (" + experiment.uplink + ")").c_str(), "",
              memory.update);
  if (memory.latent != 0) {
    std::printf("%-54s %12s %12zu\n", "RAM more for each sample's latent (frozen layers)", "", memory.latent);
  }
  if (memory.adapt.residual != 0) {
    std::printf("%-54s %12s %12zu\n", "RAM at most when what was not sent is in flash, bytes", "",
                memory.arena_without_residual());
    std::printf("%-54s %12s %12zu\n", "flash of that, bytes; a device keeps two", "", memory.adapt.residual);
  }
  if (memory.patching != 0) {
    std::printf("%-54s %12s %12zu\n", "RAM while a model is patched, bytes", "", memory.patching);
    std::printf("%-54s %12s %12zu\n", ("a round's patch, bytes at most (" + experiment.downlink + ")").c_str(), "",
                memory.patch);
  }
  if (!arguments.json.empty()) {
    const auto written = write_file(arguments.json, to_json(experiment, network, memory));
    if (!written) return fail(ExitCode::kStore, written.error().message);
  }
  const std::size_t needed = arguments.residual_in_flash ? memory.arena_without_residual() : memory.arena();
  if (arguments.arena_bytes != 0 && needed > arguments.arena_bytes) {
    return fail(
        ExitCode::kConfiguration,
        fmt::format("{}: needs an arena of {} bytes, the device has {}: make layers narrower, or batch_size 1{}",
                    arguments.experiment.file, needed, arguments.arena_bytes,
                    memory.adapt.residual != 0 && !arguments.residual_in_flash
                        ? ", or keep what was not sent in flash (--residual-in-flash)"
                        : ""));
  }
  return kOk;
}

}  // namespace skink::simulations::cli
