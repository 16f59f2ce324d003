/// @file
/// A device that is of use without a broker: it is shown what its labels mean, five samples a class, adapts, and knows
/// it over resets and whenever power goes.

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <vector>

#include "fakes/corner_model.hpp"
#include "fakes/fake_flash.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/firmware/device.hpp"
#include "skink/firmware/vector_flash.hpp"

using namespace skink;
using namespace skink::test;

namespace {

constexpr std::uint32_t kClasses = kCorners;
constexpr std::uint32_t kPerClass = 5;
constexpr edge::AdaptSettings kSettings = {0.05F, 60, 1};

/// A product with the fleet's model in its flash, which has never seen a broker.
class Product {
 public:
  Product() : flash_(512, 20, 8) {
    crypto::Digest digest;
    const std::vector<std::uint8_t> file = corner_model_file(digest);
    REQUIRE(models_.open(flash_.flash, 2, 3) == Status::kOk);
    REQUIRE(models_.begin(static_cast<std::uint32_t>(file.size())) == Status::kOk);
    REQUIRE(models_.write(0, {file.data(), file.size()}, firmware::ChunkPart::kEnd) == Status::kOk);
    REQUIRE(models_.commit(digest, static_cast<std::uint32_t>(file.size())) == Status::kOk);
    REQUIRE(start());
  }

  /// As after a reset. False: the power went.
  bool start() {
    device_.reset();
    firmware::SampleShape shape;
    shape.inputs = 2;
    shape.classes = kClasses;
    shape.per_class = kPerClass;
    shape.number = firmware::SampleNumber::kInt16;
    const bool is_open = journal_.open(flash_.flash, 0) == Status::kOk &&
                         models_.open(flash_.flash, 2, 3) == Status::kOk &&
                         personal_.open(flash_.flash, 8, 3) == Status::kOk &&
                         samples_.open(flash_.flash, 14, 6, shape, {memory_.data(), memory_.size()}) == Status::kOk;
    if (!is_open) return false;
    firmware::DeviceConfig config;
    config.identity.device_id = "product-1";
    config.fleet = {"f", 1};
    config.arena = {reinterpret_cast<std::uint8_t*>(arena_.data()), arena_.size() * sizeof(float)};
    config.samples = samples_.samples();
    config.personal = personal_.store();
    device_ = std::make_unique<firmware::Device>(config, firmware::DeviceStores{models_, releases_, journal_});
    return true;
  }

  /// The button is held: as many samples of each class as are wanted, those of before counted.
  bool teach(std::mt19937& random) {
    for (std::uint32_t kind = 0; kind < kClasses; ++kind) {
      const auto label = static_cast<float>(own_label(kind));
      while (samples_.count_of(own_label(kind)) < kPerClass) {
        const std::vector<float> stored = sample_of(kind, random);
        if (device_->add_sample(samples_, {stored.data(), stored.size()}, {&label, 1}) != Status::kOk) return false;
      }
    }
    return true;
  }

  /// To the end of what there is to do.
  void work() {
    for (int step = 0; device_->has_work(); ++step) {
      REQUIRE(step < 100000);
      device_->work(0);
    }
  }

  bool adapt() {
    if (device_->adapt_now(kSettings) != Status::kOk) return false;
    work();
    return true;
  }

  /// How many of 20 fresh samples, of the two classes that the user calls otherwise or of all, it knows as the user
  /// does.
  int right(bool is_of_all) {
    std::mt19937 random(11);
    int count = 0;
    for (std::uint32_t i = 0; i < 20; ++i) {
      const std::uint32_t kind = is_of_all ? i % kClasses : 1 + i % 2;
      const std::vector<float> stored = sample_of(kind, random);
      float outputs[kClasses];
      REQUIRE(device_->predict({stored.data(), stored.size()}, outputs) == Status::kOk);
      count += nn::argmax(Span<const float>(outputs)) == own_label(kind) ? 1 : 0;
    }
    return count;
  }

  FakeFlash& flash() { return flash_; }
  firmware::Device& device() { return *device_; }
  const firmware::SampleFlash& samples() const { return samples_; }

 private:
  FakeFlash flash_;
  firmware::Journal journal_;
  firmware::ModelStore models_;
  firmware::ModelStore releases_;
  firmware::VectorFlash personal_;
  firmware::SampleFlash samples_;
  std::vector<firmware::StoredSample> memory_ = std::vector<firmware::StoredSample>(32);
  std::vector<float> arena_ = std::vector<float>(1024);
  std::unique_ptr<firmware::Device> device_;
};

}  // namespace

TEST_CASE("device: two labels are swapped, there is no broker: five samples a class put it right, and a reset keeps it",
          "[firmware][device][personal]") {
  Product product;
  std::mt19937 random(1);
  CHECK(product.right(false) == 0);
  CHECK(product.right(true) == 10);
  CHECK(product.device().adapt_now(kSettings) == Status::kUnavailable);  // nobody has shown it anything yet
  REQUIRE(product.teach(random));
  REQUIRE(product.adapt());
  CHECK(product.right(false) == 20);
  CHECK(product.right(true) == 20);
  CHECK(product.device().client().counters().personal_kept == 1);
  REQUIRE(product.start());
  CHECK(product.samples().count() == kClasses * kPerClass);
  CHECK(product.device().client().own_use() == wire::ReleaseUse::kAdapted);
  CHECK_FALSE(product.device().has_work());
  CHECK(product.right(false) == 20);
  CHECK(product.right(true) == 20);
}

TEST_CASE("device: whenever power goes, it is as the fleet taught it or as its user did, and can be taught on",
          "[firmware][device][personal]") {
  std::mt19937 random(2);
  Product whole;
  const std::uint64_t before = whole.flash().steps;
  REQUIRE(whole.teach(random));
  REQUIRE(whole.adapt());
  const auto steps = static_cast<std::uint32_t>(whole.flash().steps - before);
  int before_it = 0;
  int after_it = 0;
  for (int cut = 0; cut < 1000; ++cut) {
    Product product;
    product.flash().steps_left = 1 + random() % steps;
    if (product.teach(random)) (void)product.adapt();
    product.flash().power_on();
    REQUIRE(product.start());
    const bool is_personal = product.device().client().own_use() == wire::ReleaseUse::kAdapted;
    ++(is_personal ? after_it : before_it);
    REQUIRE(product.right(false) == (is_personal ? 20 : 0));
    REQUIRE(product.teach(random));
    if (!is_personal) REQUIRE(product.adapt());
    REQUIRE(product.right(false) == 20);
    REQUIRE(product.right(true) == 20);
    REQUIRE(product.start());
    REQUIRE(product.right(false) == 20);
  }
  CHECK(before_it > 900);  // the last step alone makes it personal
  CHECK(before_it + after_it == 1000);
}
