/// @file
/// The float kernels against an independent computation with Eigen in double. The tolerance is that of the float side:
/// sums of at most 200 terms of magnitude 1, so about 200 roundings of 6e-8.

#include <Eigen/Dense>
#include <catch2/catch.hpp>

#include "nets.hpp"
#include "skink/common/nn/training.hpp"

using namespace skink;
using namespace skink::test;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

namespace {

constexpr double kTolerance = 2e-5;
constexpr float kRate = 0.1F;

struct FloatProblem {
  nn::Network network;
  std::vector<float> parameters;
  std::vector<float> input;
  std::vector<float> targets;

  FloatProblem(const NetSpec& spec, std::uint32_t seed) : network(build(spec)) {
    NetLottery lottery(seed);
    parameters.resize(network.parameter_count());
    for (float& value : parameters) value = static_cast<float>(lottery.real(-0.5, 0.5));
    input.resize(network.input_size());
    for (float& value : input) value = static_cast<float>(lottery.real(-1.0, 1.0));
    if (nn::has_labels(network.loss())) {
      targets.push_back(static_cast<float>(lottery.below(static_cast<std::uint32_t>(network.output_size()))));
    } else {
      for (std::size_t o = 0; o < network.output_size(); ++o) {
        targets.push_back(static_cast<float>(lottery.real(-1.0, 1.0)));
      }
    }
  }

  std::vector<float> outputs() const {
    std::vector<float> sample(network.sample_count());
    std::copy(input.begin(), input.end(), sample.begin());
    const auto out = nn::predict(network, {parameters.data(), parameters.size()}, {sample.data(), sample.size()});
    return {out.begin(), out.end()};
  }

  std::vector<float> after_one_step(float& loss) const {
    std::vector<float> adapted = parameters;
    std::vector<float> sample(network.sample_count());
    std::copy(input.begin(), input.end(), sample.begin());
    std::vector<float> scratch(network.scratch_count());
    const auto value = [](const void* context, std::size_t /*sample*/, std::size_t output) {
      return (*static_cast<const std::vector<float>*>(context))[output];
    };
    loss = nn::online_step(network, {adapted.data(), adapted.size()}, kRate, {sample.data(), sample.size()},
                           {&targets, value}, {scratch.data(), scratch.size()});
    return adapted;
  }
};

/// Reads tensors one after another, as they follow in the parameters.
class Reader {
 public:
  explicit Reader(const std::vector<float>& numbers) : numbers_(numbers) {}
  Matrix matrix(Eigen::Index rows, Eigen::Index columns) {
    Matrix m(rows, columns);
    for (Eigen::Index k = 0; k < m.size(); ++k) m.data()[k] = static_cast<double>(numbers_[next_++]);
    return m;
  }
  Vector vector(Eigen::Index size) { return matrix(size, 1); }

 private:
  const std::vector<float>& numbers_;
  std::size_t next_ = 0;
};

void check_close(const std::vector<float>& numbers, const std::vector<Matrix>& expected) {
  std::size_t next = 0;
  for (const Matrix& tensor : expected) {
    for (Eigen::Index k = 0; k < tensor.size(); ++k, ++next) {
      if (std::abs(static_cast<double>(numbers[next]) - tensor.data()[k]) > kTolerance) {
        FAIL("number " << next << ": " << numbers[next] << ", Eigen says " << tensor.data()[k]);
      }
    }
  }
  CHECK(next == numbers.size());
}

/// Patches of an image [h * w, c] as rows [positions, k * k * c]; zero padding, as "same" skips.
Matrix patches(const Matrix& image, int side, int kernel, int stride, int pad, int out) {
  const Eigen::Index channels = image.cols();
  Matrix rows = Matrix::Zero(out * out, kernel * kernel * channels);
  for (int p = 0; p < out * out; ++p) {
    for (int t = 0; t < kernel * kernel; ++t) {
      const int y = p / out * stride + t / kernel - pad;
      const int x = p % out * stride + t % kernel - pad;
      if (y < 0 || x < 0 || y >= side || x >= side) continue;
      rows.block(p, t * channels, 1, channels) = image.row(y * side + x);
    }
  }
  return rows;
}

/// The transpose of `patches`: adds every patch back into the image.
Matrix unpatch(const Matrix& rows, int side, Eigen::Index channels, int kernel, int stride, int pad, int out) {
  Matrix image = Matrix::Zero(side * side, channels);
  for (int p = 0; p < out * out; ++p) {
    for (int t = 0; t < kernel * kernel; ++t) {
      const int y = p / out * stride + t / kernel - pad;
      const int x = p % out * stride + t % kernel - pad;
      if (y < 0 || x < 0 || y >= side || x >= side) continue;
      image.row(y * side + x) += rows.block(p, t * channels, 1, channels);
    }
  }
  return image;
}

}  // namespace

TEST_CASE("eigen: a dense network's outputs and one step", "[common][nn][eigen]") {
  const auto seed = GENERATE(range(0U, 10U));
  const FloatProblem problem({{1, 1, 13}, {dense(21), relu(), dense(9), tanh(), dense(4)}, nn::Loss::kMeanSquaredError},
                             seed);
  Reader reader(problem.parameters);
  const Matrix w1 = reader.matrix(21, 13);
  const Vector b1 = reader.vector(21);
  const Matrix w2 = reader.matrix(9, 21);
  const Vector b2 = reader.vector(9);
  const Matrix w3 = reader.matrix(4, 9);
  const Vector b3 = reader.vector(4);
  const Vector x = Reader(problem.input).vector(13);
  const Vector target = Reader(problem.targets).vector(4);

  const Vector h1 = (w1 * x + b1).cwiseMax(0.0);
  const Vector h2 = (w2 * h1 + b2).array().tanh();
  const Vector y = w3 * h2 + b3;
  check_close(problem.outputs(), {y});

  const Vector d3 = 2.0 / 4.0 * (y - target);
  const Vector d2 = ((w3.transpose() * d3).array() * (1.0 - h2.array().square())).matrix();
  const Vector d1 = ((w2.transpose() * d2).array() * (h1.array() > 0.0).cast<double>()).matrix();
  const auto rate = static_cast<double>(kRate);
  float loss = 0;
  const std::vector<float> adapted = problem.after_one_step(loss);
  CHECK(std::abs(static_cast<double>(loss) - (y - target).squaredNorm() / 4.0) < kTolerance);
  check_close(adapted, {w1 - rate * d1 * x.transpose(), b1 - rate * d1, w2 - rate * d2 * h1.transpose(), b2 - rate * d2,
                        w3 - rate * d3 * h2.transpose(), b3 - rate * d3});
}

TEST_CASE("eigen: a convolutional network's outputs and one step", "[common][nn][eigen]") {
  const auto seed = GENERATE(range(0U, 10U));
  // 7x7x2 -> conv 3x3 same (7x7x4) -> tanh -> conv 3x3 stride 2 valid (3x3x5) -> relu -> 3 classes
  const FloatProblem problem(
      {{7, 7, 2},
       {conv2d(4, square(3, 1, nn::Padding::kSame)), tanh(), conv2d(5, square(3, 2)), relu(), flatten(), dense(3)},
       nn::Loss::kSoftmaxCrossEntropy},
      seed);
  Reader reader(problem.parameters);
  const Matrix w1 = reader.matrix(4, 18);
  const Vector b1 = reader.vector(4);
  const Matrix w2 = reader.matrix(5, 36);
  const Vector b2 = reader.vector(5);
  const Matrix w3 = reader.matrix(3, 45);
  const Vector b3 = reader.vector(3);
  const Matrix x = Reader(problem.input).matrix(49, 2);

  const Matrix p1 = patches(x, 7, 3, 1, 1, 7);
  const Matrix h1 = ((p1 * w1.transpose()).rowwise() + b1.transpose()).array().tanh();
  const Matrix p2 = patches(h1, 7, 3, 2, 0, 3);
  const Matrix h2 = ((p2 * w2.transpose()).rowwise() + b2.transpose()).cwiseMax(0.0);
  const Vector flat = Eigen::Map<const Vector>(h2.data(), h2.size());
  const Vector z = w3 * flat + b3;
  check_close(problem.outputs(), {z});

  const auto label = static_cast<Eigen::Index>(problem.targets[0]);
  const Vector e = (z.array() - z.maxCoeff()).exp();
  Vector d3 = e / e.sum();
  const double expected_loss = -std::log(d3[label]);
  d3[label] -= 1.0;
  const Vector d_flat = ((w3.transpose() * d3).array() * (flat.array() > 0.0).cast<double>()).matrix();
  const Matrix d2 = Eigen::Map<const Matrix>(d_flat.data(), 9, 5);
  const Matrix d_h1 = unpatch(d2 * w2, 7, 4, 3, 2, 0, 3);
  const Matrix d1 = (d_h1.array() * (1.0 - h1.array().square())).matrix();
  const auto rate = static_cast<double>(kRate);
  float loss = 0;
  const std::vector<float> adapted = problem.after_one_step(loss);
  CHECK(std::abs(static_cast<double>(loss) - expected_loss) < kTolerance);
  check_close(adapted, {w1 - rate * d1.transpose() * p1, b1 - rate * d1.colwise().sum().transpose(),
                        w2 - rate * d2.transpose() * p2, b2 - rate * d2.colwise().sum().transpose(),
                        w3 - rate * d3 * flat.transpose(), b3 - rate * d3});
}
