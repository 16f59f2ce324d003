#include "skink/simulations/import.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "import/columns.hpp"
#include "import/folder_writer.hpp"
#include "import/split.hpp"
#include "import/storage.hpp"
#include "import_fixture.hpp"
#include "skink/host/files/files.hpp"

using namespace skink;
using namespace skink::simulations;
using Catch::Matchers::Contains;
using test::error_of;
using test::imported;
using test::options_in;
using test::TemporaryFolder;

namespace {

/// Six devices, three motions, four windows of each: two numbers, the second a multiple of `step`.
std::string windows_csv(double step = 1) {
  std::string text = "device,x0,x1,motion\n";
  const char* const motions[] = {"walk", "idle", "run"};
  for (int device = 0; device < 6; ++device) {
    for (int window = 0; window < 12; ++window) {
      text += "d" + std::to_string(device) + "," + std::to_string(device) + "," + std::to_string(window * step) + "," +
              motions[window % 3] + "\n";
    }
  }
  return text;
}

float value_at(const Dataset& dataset, std::size_t record, std::size_t place) {
  std::vector<float> stored(dataset.sample_size());
  dataset.read_stored(record, {stored.data(), stored.size()});
  return stored[place];
}

}  // namespace

TEST_CASE("import: whole numbers are stored as they are, classes numbered by name", "[simulations][import]") {
  const TemporaryFolder folder;
  folder.write("windows.csv", windows_csv());
  const ImportReport report = imported(options_in(folder));
  CHECK(report.windows == 72);
  CHECK(report.devices.size() == 6);
  CHECK(std::string(report.storage) == "u8");
  CHECK(report.channels[0].largest_error == 0);
  REQUIRE(report.classes.size() == 3);
  CHECK(report.classes[0].name == "idle");
  CHECK(report.splits[0].windows == 48);  // of 6 devices 1 for validation, 1 for testing
  CHECK(report.splits[1].windows == 12);
  CHECK(report.splits[2].windows == 12);
  CHECK(report.splits[2].fewest_of_class == 4);
  CHECK(report.splits[0].fewest_of_class == 16);
  CHECK(report.splits[0].fewest_of_device == 4);
  CHECK(report.warnings.size() == 1);  // of x1, which counts the windows of a device

  const Dataset dataset = Dataset::load(folder.file("hand")).value();
  CHECK(dataset.name() == "hand");
  CHECK(dataset.record_count() == 72);
  CHECK(dataset.sample_shape() == std::vector<std::size_t>{2});
  CHECK(dataset.class_name(2) == "walk");
  CHECK(dataset.class_of(0) == 2);
  CHECK(dataset.class_of(1) == 0);
  CHECK(dataset.client_of(71) == 5);
  CHECK(value_at(dataset, 71, 0) == 5);
  CHECK(value_at(dataset, 71, 1) == 11);
  CHECK(std::filesystem::exists(folder.file("hand/sha256sums")));
}

TEST_CASE("import: real numbers are quantised with the error that the report says", "[simulations][import]") {
  const TemporaryFolder folder;
  folder.write("windows.csv", windows_csv(0.1));
  ImportOptions options = options_in(folder);
  const ImportReport report = imported(options);
  CHECK(std::string(report.storage) == "i16");
  CHECK(report.channels[0].largest_error == 0);  // whole numbers, beside others
  CHECK(report.channels[1].largest_error > 0);
  CHECK(report.channels[1].largest_error <= report.channels[1].scale / 2 * 1.001);
  const Dataset dataset = Dataset::load(folder.file("hand")).value();
  CHECK(dataset.scale() == std::vector<double>{1, report.channels[1].scale});
  CHECK(dataset.offset() == std::vector<double>{0, report.channels[1].offset});
  const double value = static_cast<double>(value_at(dataset, 71, 1)) * dataset.scale()[1] + dataset.offset()[1];
  CHECK(std::abs(value - 1.1) <= report.channels[1].largest_error);

  options.out_dir = folder.file("real");
  options.storage = ImportStorage::kFloat32;
  CHECK(std::string(imported(options).storage) == "float32");
  CHECK(value_at(Dataset::load(folder.file("real")).value(), 71, 1) == 1.1F);
}

TEST_CASE("import: the same file and options give the same bytes", "[simulations][import]") {
  const TemporaryFolder folder;
  folder.write("windows.csv", windows_csv(0.1));
  ImportOptions options = options_in(folder);
  imported(options);
  options.out_dir = folder.file("again/hand/");
  imported(options);
  for (const char* name : {"x.npy", "class.npy", "client.npy", "split.npy", "dataset.json", "sha256sums"}) {
    CHECK(read_file(folder.file(std::string("hand/") + name)).value() ==
          read_file(folder.file(std::string("again/hand/") + name)).value());
  }
}

TEST_CASE("import: windows are split by device, by label or as a column says", "[simulations][import]") {
  const TemporaryFolder folder;
  folder.write("windows.csv", windows_csv());
  ImportOptions options = options_in(folder);
  SECTION("by device: none is in two splits") {
    imported(options);
    const Dataset dataset = Dataset::load(folder.file("hand")).value();
    CHECK(dataset.clients_of(Split::kTrain).size() == 4);
    CHECK(dataset.clients_of(Split::kTest).size() == 1);
    CHECK(dataset.classes_of(Split::kTest).size() == 3);
  }
  SECTION("by label") {
    options.split_by = SplitBy::kLabel;
    const ImportReport report = imported(options);
    const Dataset dataset = Dataset::load(folder.file("hand")).value();
    CHECK(dataset.classes_of(Split::kTrain).size() == 1);
    CHECK(dataset.classes_of(Split::kTest).size() == 1);
    CHECK_THAT(report.warnings.at(1), Contains("the training split has one class"));
  }
  SECTION("a column") {
    folder.write("windows.csv", "part,motion,device,x\ntrain,a,1,1\ntest,a,1,2\nvalidation,b,2,3\n0,b,2,4\n");
    options.split_column = "part";
    imported(options);
    const Dataset dataset = Dataset::load(folder.file("hand")).value();
    CHECK(dataset.sample_size() == 1);
    CHECK(dataset.split_of(1) == Split::kTest);
    CHECK(dataset.split_of(2) == Split::kValidation);
    CHECK(dataset.split_of(3) == Split::kTrain);
  }
}

TEST_CASE("import: columns are chosen, ordered and shaped", "[simulations][import]") {
  const TemporaryFolder folder;
  folder.write("windows.csv", "note,x0,x1,x2,x3,motion,device\nhm,1,2,3,4,a,d\n\"a,b\",5,6,7,8,b,e\n");
  ImportOptions options = options_in(folder);
  options.columns = {"x3", "x0..x2"};
  options.shape = {2, 2};
  options.test = 0;
  options.validation = 0;
  const ImportReport report = imported(options);
  CHECK(report.warnings.size() == 3);  // two classes of one window, nothing to test with
  const Dataset dataset = Dataset::load(folder.file("hand")).value();
  CHECK(dataset.sample_shape() == std::vector<std::size_t>{2, 2});
  CHECK(value_at(dataset, 1, 0) == 8);
  CHECK(value_at(dataset, 1, 1) == 5);
  CHECK_THAT(to_text(report, options), Contains("input = [2, 2]") && Contains("dataset = \"hand\""));
}

TEST_CASE("import: malformed rows are refused with line, column and reason", "[simulations][import]") {
  const std::string good = "motion,device,x\na,1,1\nb,2,2\n";
  CHECK_THAT(error_of(""), Contains("windows.csv: is empty"));
  CHECK_THAT(error_of("motion,device,x\n"), Contains("windows.csv: has no windows"));
  CHECK_THAT(error_of("label,device,x\n"), Contains("windows.csv:1: --label: there is no column \"motion\""));
  CHECK_THAT(error_of("motion device x\n"), Contains("columns are separated by commas, semicolons, tabs or bars"));
  CHECK_THAT(error_of("Motion,device,x\n"),
             Contains("there is no column \"motion\"") && Contains("did you mean \"Motion\"?"));
  CHECK_THAT(error_of("motion,device,x,x\n"), Contains("column \"x\" is there twice, in places 3 and 4"));
  CHECK_THAT(error_of("motion,device\na,1\n"), Contains("no column left for the sample"));
  CHECK_THAT(error_of("motion,device,x,\na,1,1,2\n"), Contains("windows.csv:2: has 4 fields, the header has 3"));
  CHECK_THAT(error_of("motion,device,,x\na,1,hm,2\n"),
             Contains("windows.csv:2: column 3 has no name and holds \"hm\", which is no row number"));
  CHECK_THAT(error_of(good + "c,3\n"), Contains("windows.csv:4: has 2 fields, the header has 3"));
  CHECK_THAT(error_of(good + "c,3,1,2\n"), Contains("windows.csv:4: has 4 fields"));
  CHECK_THAT(error_of(good + "c,3,one\n"), Contains("windows.csv:4: column \"x\": \"one\" is not a number"));
  CHECK_THAT(error_of(good + "c,3,1 2\n"), Contains("\"1 2\" is not a number"));
  CHECK_THAT(error_of(good + "c,3,+-1\n"), Contains("\"+-1\" is not a number"));
  CHECK_THAT(error_of(good + "c,3,\n"), Contains("column \"x\": is empty, wanted a number"));
  CHECK_THAT(error_of(good + "c,3,nan\n"), Contains("\"nan\" is not a finite number"));
  CHECK_THAT(error_of(good + "c,3,-inf\n"), Contains("\"-inf\" is not a finite number"));
  CHECK_THAT(error_of(good + "c,3,1e999\n"), Contains("\"1e999\" is too large or too small for float32"));
  CHECK_THAT(error_of(good + "c,3,-1e39\n"), Contains("\"-1e39\" is too large or too small for float32"));
  CHECK_THAT(error_of(good + " ,3,1\n"), Contains("windows.csv:4: column \"motion\": is empty"));
  CHECK_THAT(error_of(good + "c,,1\n"), Contains("windows.csv:4: column \"device\": is empty"));
  CHECK_THAT(error_of(good + "\xff,3,1\n"), Contains("column \"motion\"") && Contains("is not UTF-8"));
  CHECK_THAT(error_of(good + "\"c,3,1\n"), Contains("windows.csv:4: column 1 opens a quote that is never closed"));
  CHECK_THAT(error_of("motion,device,x,part\na,1,1,both\n", [](auto& o) { o.split_column = "part"; }),
             Contains("windows.csv:2: column \"part\": \"both\" is no split"));
}

TEST_CASE("import: more labels than numbers for them are refused", "[simulations][import]") {
  std::string csv = "motion,device,x\n";
  for (int label = 0; label <= 65536; ++label) csv += std::to_string(label) + ",1,1\n";
  CHECK_THAT(error_of(csv), Contains("windows.csv:65538: column \"motion\": more than 65536 different texts"));
}

TEST_CASE("import: options that contradict themselves are refused", "[simulations][import]") {
  const std::string csv = windows_csv();
  CHECK_THAT(error_of(csv, [](auto& o) { o.device_column = "motion"; }), Contains("\"motion\" is named twice"));
  CHECK_THAT(error_of(csv, [](auto& o) { o.columns = {"x0", "x0"}; }), Contains("\"x0\" is named twice"));
  CHECK_THAT(error_of(csv, [](auto& o) { o.columns = {"x0..x2"}; }), Contains("--columns: there is no column \"x2\""));
  CHECK_THAT(error_of(csv, [](auto& o) { o.columns = {"x1..x0"}; }), Contains("\"x1..x0\" is no range"));
  CHECK_THAT(error_of(csv, [](auto& o) { o.shape = {3}; }), Contains("--shape: 3 does not have the 2 values"));
  CHECK_THAT(error_of(csv, [](auto& o) { o.test = 0.9; }), Contains("add up to less than 1"));
  CHECK_THAT(error_of(csv, [](auto& o) { o.test = std::nan(""); }), Contains("add up to less than 1"));
  CHECK_THAT(error_of(csv, [](auto& o) { o.test = 0.8; }), Contains("none is left for training"));
  CHECK_THAT(error_of(csv, [](auto& o) { o.out_dir += " 2"; }), Contains("experiments name the folder"));
}

TEST_CASE("import: a folder with files is left alone, an empty one is filled", "[simulations][import]") {
  const TemporaryFolder folder;
  folder.write("windows.csv", windows_csv());
  const ImportOptions options = options_in(folder);
  std::filesystem::create_directory(options.out_dir);
  imported(options);
  const auto again = import_csv(options);
  REQUIRE(again.has_value());
  REQUIRE(again->written.has_error());
  CHECK_THAT(again->written.error().message, Contains("is there already and not empty"));
}

TEST_CASE("import: an interrupted import leaves nothing", "[simulations][import]") {
  std::string csv = windows_csv();
  for (int more = 0; more < 500; ++more) csv += "d1,1,1,run\n";
  for (const double until : {0.0, 0.6}) {
    const auto stop = [until](ImportOptions& o) { o.on_progress = [until](double part) { return part < until; }; };
    CHECK_THAT(error_of(csv, stop), Contains("interrupted; nothing was written"));
  }
}

TEST_CASE("import: storage keeps whole numbers and halves the step of others", "[simulations][import]") {
  const auto storage_of = [](std::initializer_list<double> values) {
    Range range;
    for (const double value : values) range.add(value);
    Storage storage = choose_storage({range}, ImportStorage::kChosen);
    const double scale = storage.channels[0].scale;
    for (const double value : values) {
      const double error = std::abs(storage.value(0, storage.stored(0, value)) - value);
      CHECK(error <= (scale == 1 && range.is_whole ? 0 : scale * 0.5001));
    }
    return storage;
  };
  const auto channel_of = [&](std::initializer_list<double> values) { return storage_of(values).channels[0]; };
  CHECK(std::string(storage_of({0, 255}).name()) == "u8");
  CHECK(channel_of({-1, 255}).offset == 0);
  CHECK(std::string(storage_of({-32768, 32767}).name()) == "i16");
  CHECK(channel_of({0, 65535, 7}).offset == 32768);
  CHECK(channel_of({0, 65536, 7}).scale > 1);
  CHECK(channel_of({0.5, 0.5}).offset == 0.5);
  const double most = static_cast<double>(std::numeric_limits<float>::max());
  CHECK(channel_of({-most, most, 0.5}).offset == 0);
  CHECK(channel_of({0, 5e-324, 5e-324 * 3}).scale == 1);
}

TEST_CASE("import: splits depend on the seed and the count alone", "[simulations][import]") {
  const auto deal = [](std::size_t count, std::uint64_t seed) {
    return deal_splits(count, 0.1, 0.2, seed, "devices").value();
  };
  CHECK(deal(50, 1) == deal(50, 1));
  CHECK(deal(50, 1) != deal(50, 2));
  const auto splits = deal(50, 1);
  CHECK(std::count(splits.begin(), splits.end(), Split::kTest) == 10);
  CHECK(std::count(splits.begin(), splits.end(), Split::kValidation) == 5);
  CHECK(deal_splits(2, 0.1, 0.2, 1, "devices").has_error());
  CHECK(deal_splits(1, 0, 0, 1, "devices").has_value());
}

TEST_CASE("import: a range of columns keeps the zeros of its numbers", "[simulations][import]") {
  CHECK(expand_range("x08..x11").value() == std::vector<std::string>{"x08", "x09", "x10", "x11"});
  CHECK(expand_range("x8..x10").value() == std::vector<std::string>{"x8", "x9", "x10"});
  CHECK(expand_range("x").value() == std::vector<std::string>{"x"});
  for (const char* text : {"x..y", "x0..y1", "x2..x1", "x0..x9999999", "x0..", "..x0", "x0..x99999999999"}) {
    CHECK_THAT(expand_range(text).error().message, Contains("is no range"));
  }
}

TEST_CASE("import: a disk that is full leaves nothing", "[simulations][import]") {
  const TemporaryFolder folder;
  auto writer = FolderWriter::create(folder.file("hand"), {1, {1}, "|u1", true, true, 1}).value();
  CHECK(writer->add({"x", 0, 0, Split::kTrain, 0, 0, "four"}));
  std::filesystem::remove_all(folder.file("hand.part-" + std::to_string(getpid())));
  CHECK(writer->finish("{}").has_error());
  writer.reset();
  CHECK(std::filesystem::is_empty(folder.path()));
}
