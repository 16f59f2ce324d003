#include "skink/host/experiment/scope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <vector>

#include "skink/host/experiment/strategies.hpp"

namespace skink {
namespace {

static_assert(2 * nn::kMaxLayers <= 32, "a scope is a mask of 32 tensors");

/// The number that a text is; nothing when it is none.
std::optional<std::size_t> number_of(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  return is_number ? std::optional<std::size_t>(number) : std::nullopt;
}

/// Layers that have parameters, from the last one on.
std::vector<std::size_t> layers_from_last(const nn::Network& network) {
  std::vector<std::size_t> layers;
  for (std::size_t l = network.layers().size(); l-- > 0;) {
    if (nn::has_parameters(network.layers()[l].spec.kind)) layers.push_back(l);
  }
  return layers;
}

template <class Takes>
std::uint32_t tensors_where(const nn::Network& network, const Takes& takes) {
  std::uint32_t mask = 0;
  for (std::size_t t = 0; t < network.tensors().size(); ++t) {
    if (takes(network.tensors()[t])) mask |= std::uint32_t{1} << t;
  }
  return mask;
}

std::uint32_t tensors_of_last(const nn::Network& network, std::size_t count) {
  std::vector<std::size_t> layers = layers_from_last(network);
  layers.resize(std::min(layers.size(), count));
  return tensors_where(network, [&](const nn::Tensor& tensor) {
    return std::find(layers.begin(), layers.end(), tensor.layer) != layers.end();
  });
}

/// Those that are added to what a layer computes: of a rational activation both tensors are factors.
std::uint32_t biases(const nn::Network& network) {
  return tensors_where(network, [&](const nn::Tensor& tensor) {
    return tensor.is_bias && network.layers()[tensor.layer].spec.kind != nn::LayerKind::kRational;
  });
}

Error unknown(std::string_view part) {
  return make_error(
      Status::kInvalidArgument,
      fmt::format("\"{}\" is no scope: use \"all\", or \"head\", \"bias\", \"last:K\", or layer and tensor "
                  "like \"0.weights\" or \"2.bias\" (layers are counted from 0), joined by +",
                  part));
}

/// `0.weights`
Result<std::uint32_t> tensor_of(std::string_view part, const nn::Network& network) {
  const std::size_t point = part.find('.');
  if (point == std::string_view::npos) return unknown(part);
  const auto layer = number_of(part.substr(0, point));
  const std::string_view name = part.substr(point + 1);
  if (!layer || (name != "weights" && name != "bias")) return unknown(part);
  const std::uint32_t mask = tensors_where(
      network, [&](const nn::Tensor& tensor) { return tensor.layer == *layer && tensor.is_bias == (name == "bias"); });
  if (mask != 0) return mask;
  return make_error(Status::kInvalidArgument, fmt::format("\"{}\": the network has no such tensor", part));
}

Result<std::uint32_t> tensors_of(std::string_view part, const nn::Network& network) {
  constexpr std::string_view kLast = "last:";
  if (part == "all") return ~std::uint32_t{0};
  if (part == "head") return tensors_of_last(network, 1);
  if (part == "bias") return biases(network);
  if (part.substr(0, kLast.size()) != kLast) return tensor_of(part, network);
  const auto count = number_of(part.substr(kLast.size()));
  const std::size_t most = layers_from_last(network).size();
  if (count && *count >= 1 && *count <= most) return tensors_of_last(network, *count);
  return make_error(
      Status::kInvalidArgument,
      fmt::format("\"{}\": the network has {} layers with parameters, use last:1 to last:{}", part, most, most));
}

nn::Network narrowed(nn::Network network, std::uint32_t frozen) {
  if (network.freeze(frozen) != Status::kOk) throw std::logic_error("a scope of an unchecked experiment");
  return network;
}

}  // namespace

Result<std::uint32_t> frozen_by(std::string_view text, const nn::Network& network) {
  std::uint32_t moved = 0;
  for (std::string_view rest = text;;) {
    const std::size_t plus = rest.find('+');
    const auto tensors = tensors_of(rest.substr(0, plus), network);
    if (!tensors) return tensors.error();
    moved |= *tensors;
    if (plus == std::string_view::npos) break;
    rest.remove_prefix(plus + 1);
  }
  const std::uint32_t everything = tensors_where(network, [](const nn::Tensor&) { return true; });
  const std::uint32_t frozen = everything & ~moved;
  nn::Network tried = network;
  if (tried.freeze(frozen) == Status::kOk) return frozen;
  return make_error(Status::kInvalidArgument, fmt::format("nothing of \"{}\" is trainable in this network", text));
}

ScopedNetworks scoped_networks(const Experiment& experiment) {
  const nn::Network network = make_network(experiment.model);
  const nn::Network adapting = narrowed(network, experiment.adapt.scope.frozen);
  return {adapting, learns_from(experiment) == LearnsFrom::kQuery ? network : adapting,
          narrowed(network, experiment.evaluation.scope.frozen)};
}

}  // namespace skink
