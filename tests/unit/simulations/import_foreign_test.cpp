/// Files as spreadsheets, loggers, pandas and R write them: read as they were meant, or refused with cause and remedy.

#include <catch2/catch.hpp>
#include <random>

#include "import_fixture.hpp"

using namespace skink;
using Catch::Matchers::Contains;
using test::error_of;
using test::Imported;

namespace {

using Options = simulations::ImportOptions;

/// Rows of several devices: "g1,a,..." with whatever `cells` gives.
std::string rows_of(const std::string& header, int rows, const std::function<std::string(int)>& cells) {
  std::string text = header + "\n";
  for (int row = 0; row < rows; ++row) {
    text += "g" + std::to_string(row % 3) + "," + (row % 2 == 0 ? "a" : "b") + "," + cells(row) + "\n";
  }
  return text;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

}  // namespace

TEST_CASE("import: files of other programs are read as they were meant", "[simulations][import]") {
  const std::vector<double> wanted{0.5, -2};
  for (const char* csv : {
           "device,motion,x,y\ng1,a,0.5,-2\n",
           "\"device\";\"motion\";\"x\";\"y\"\n\"g1\";\"a\";\"0,5\";\"-2\"\n",        // R write.csv2, Excel in German
           "\"device\"\t\"motion\"\t\"x\"\t\"y\"\n\"g1\"\t\"a\"\t\"0.5\"\t\"-2\"\n",  // tabs
           "device\tmotion\tx\ty\ng1\ta\t0,5\t-2\n",                                  // LabVIEW in Germany
           "\"device\", \"motion\", \"x\", \"y\"\n\"g1\", \"a\", 0.5, -2\n", "device|motion|x|y\ng1|a|0.5|-2\n",
           "sep=;\r\ndevice;motion;x;y\r\ng1;a;0,5;-2\r\n", "\xef\xbb\xbfsep=,\ndevice,motion,x,y\ng1,a,0.5,-2\n",
           "device,motion,x,y\ng1,a,0.5,-2\n,,,\n , ,,\n",  // Excel's rows of nothing
           "device,motion,x,y\rg1,a,0.5,-2\r",              // old Macs
           "device,motion,x,y,\ng1,a,0.5,-2,\n",            // loggers end lines with a separator
           "device,motion,x,y\ng1,a,0.5,-2,\n",
           ",device,motion,x,y\n0,g1,a,0.5,-2\n",                                  // pandas' index
           "Unnamed: 0,device,motion,x,y\n17,g1,a,0.5,-2\n",                       // saved twice
           "\"\",\"device\",\"motion\",\"x\",\"y\"\n\"1\",\"g1\",\"a\",0.5,-2\n",  // R write.csv
       }) {
    INFO(csv);
    const Imported made(csv);
    REQUIRE(made.dataset.sample_size() == 2);
    CHECK(made.values(0)[0] == Approx(wanted[0]).margin(1e-4));
    CHECK(made.values(0)[1] == Approx(wanted[1]).margin(1e-4));
    CHECK(made.dataset.client_name(0) == "g1");
    CHECK(made.dataset.class_name(0) == "a");
  }
}

TEST_CASE("import: what is left out is said", "[simulations][import]") {
  const Imported made("Unnamed: 0,device,motion,,x\n3,g1,a,,0.5\n4,g2,b,,0.25\n,,,,\n");
  CHECK(made.dataset.sample_size() == 1);
  CHECK(made.report.empty_rows == 1);
  CHECK_THAT(made.text(), Contains("column 1 \"Unnamed: 0\" holds row numbers: left out") &&
                              Contains("column 4 without a name is empty: left out") &&
                              Contains("rows of separators alone: 1 passed over"));
}

TEST_CASE("import: files that were put one after another, and tables that were shuffled, are read",
          "[simulations][import]") {
  const Imported joined_files(
      "device,motion,x\ng1,a,1\n\xef\xbb\xbf"
      "device,motion,x\ng2,NA,2\n");
  CHECK_THAT(joined_files.text(), Contains("label \"NA\" is a class here"));
  CHECK(joined_files.dataset.record_count() == 2);
  CHECK_THAT(joined_files.text(),
             Contains("rows that repeat the header, as in files put one after another: 1 passed over"));
  const Imported shuffled(",device,motion,x\n7,g1,a,1\n0,g1,a,2\n99999999999,g1,a,2\n100000000000,g1,a,3\n3,g2,a,2\n");
  CHECK(shuffled.dataset.sample_size() == 1);
  CHECK_THAT(error_of(",device,motion,x\n7,g1,a,1\n0,g1,a,2\n7,g2,a,2\n"),
             Contains("holds \"7\", which is no row number"));
  CHECK_THAT(error_of(",device,motion,x\n0.5,g1,a,1\n"), Contains("which is no row number"));
  CHECK_THAT(error_of(",device,motion,x\n1e300,g1,a,1\n1e299,g1,a,2\n"), Contains("which is no row number"));
}

TEST_CASE("import: what is no CSV is named", "[simulations][import]") {
  const auto first_of = [](const std::string& bytes) { return error_of(bytes + std::string(60, 'x')); };
  CHECK_THAT(first_of("PK\x03\x04"), Contains("is a spreadsheet (.xlsx, .ods) or a zip file, not CSV; save"));
  CHECK_THAT(first_of("\xd0\xcf\x11\xe0"), Contains("is a spreadsheet (.xls)"));
  CHECK_THAT(first_of("<!DOCTYPE html>"), Contains("is HTML or XML"));
  CHECK_THAT(error_of("device motion x\n"), Contains("columns are separated by commas, semicolons, tabs or bars"));
  CHECK_THAT(error_of("\"device\" \"motion\"\n"), Contains("R: write.csv"));
  CHECK_THAT(error_of("g1,walk,0.5\ng1,sit,0.25\n"), Contains("does the file lack the line that names them?"));
}

TEST_CASE("import: lines before the header and units after it are named by number", "[simulations][import]") {
  const std::string csv =
      "LabVIEW Measurement\t\nSeparator\tTab\n***End_of_Header***\t\ndevice\tmotion\tX_Value\n-\t-\tm/s\ng1\ta\t1,5\n";
  CHECK_THAT(error_of(csv),
             Contains("there is no column") && Contains("line 4 seems to name the columns: --header-line 4"));
  CHECK_THAT(error_of(csv, [](Options& o) { o.header_line = 4; }), Contains("windows.csv:5: column \"X_Value\""));
  const Imported made(csv, [](Options& o) {
    o.header_line = 4;
    o.data_line = 6;
  });
  CHECK(made.dataset.record_count() == 1);
  CHECK_THAT(error_of(csv, [](Options& o) { o.header_line = 40; }), Contains("--header-line: it has fewer lines"));
  CHECK_THAT(error_of(csv,
                      [](Options& o) {
                        o.header_line = 4;
                        o.data_line = 4;
                      }),
             Contains("--data-line: 4 is not after the line that names the columns, 4"));
}

TEST_CASE("import: what other programs write wrongly is refused with cause and remedy", "[simulations][import]") {
  const std::string head = "device;motion;x\n";
  CHECK_THAT(error_of(head + "g1;a;1.234,5\n"),
             Contains("windows.csv:2: column \"x\"") && Contains("between thousands"));
  CHECK_THAT(error_of(head + "g1;a;0,5\ng1;a;0.5\n"),
             Contains("windows.csv:3") && Contains("line 2 has a decimal comma"));
  CHECK_THAT(error_of("device,motion,x\ng1,a,0,5\n"),
             Contains("has 4 fields, the header has 3") && Contains("lack its quotes"));
  CHECK_THAT(error_of("device,motion,x\ng1,a,\"0,5\"\n"), Contains("has a decimal comma"));
  CHECK_THAT(error_of("device,motion,x\n1,g1,a,0.5\n"), Contains("row.names = FALSE"));
  CHECK_THAT(error_of("device,motion,x\ng1,a,NA\n"), Contains("\"NA\" is not a number; fill the gap"));
  CHECK_THAT(error_of("device,motion,t,x\ng1,a,2026-03-01T12:00:00Z,1\n"),
             Contains("column \"t\"") && Contains("name its column with --time"));
  CHECK_THAT(error_of("device,motion,x\ng1,a\n"), Contains("has 2 fields, the header has 3"));
  CHECK_THAT(error_of(std::string("d\0e\0v\0", 6)), Contains("is UTF-16, not UTF-8") && Contains("iconv -f UTF-16LE"));
  CHECK_THAT(error_of(std::string("\0d\0e\0v", 6)), Contains("is UTF-16, not UTF-8") && Contains("iconv -f UTF-16BE"));
  CHECK_THAT(error_of(std::string("\xff\xfe\0\0d\0\0\0", 8)), Contains("is UTF-32, not UTF-8"));
  CHECK_THAT(error_of("\xef\xbb\xbf\xef\xbb\xbf"
                      "device,motion,x\ng1,a,1\n"),
             Contains("two byte order marks"));
}

TEST_CASE("import: texts that make dataset.json unreadable are refused where they are", "[simulations][import]") {
  CHECK_THAT(error_of("device,motion,acc m/s\xb2\ng1,a,1\n"),
             Contains("windows.csv:1: the name of column 3") && Contains("Latin-1") && Contains("iconv"));
  CHECK_THAT(error_of("device,motion,\"acc\nx\"\ng1,a,1\n"), Contains("has a line break"));
  CHECK_THAT(error_of("device,motion,x\nM\xfcller,a,1\n"), Contains("windows.csv:2: column \"device\": \"M?ller\""));
  CHECK_THAT(error_of("device,motion,x\ng1,\x01,1\n"), Contains("control character, 0x01"));
  CHECK_THAT(error_of("device,motion,x\ng1,a,1\n", [](Options& o) { o.name = "M\xfcller"; }), Contains("--name"));
  CHECK_THAT(error_of("Ger\xe4t,motion,x\ng1,a,1\n", [](Options& o) { o.device_column = "Ger\xe4t"; }),
             Contains("the name of column 1") && Contains("is not UTF-8"));
  // What is not used may be anything.
  const Imported made("device,motion,x,n\xf6te\ng1,a,1,\xff\n", [](Options& o) { o.columns = {"x"}; });
  CHECK(made.dataset.record_count() == 1);
}

TEST_CASE("import: a column of times is warned of by its name", "[simulations][import]") {
  const auto warnings = [](const std::string& header, const std::function<std::string(int)>& cells) {
    const Imported made(rows_of(header, 60, cells));
    return joined(made.report.warnings);
  };
  const auto wave = [](int row) { return std::to_string(row * 7 % 11) + "." + std::to_string(row * 3 % 10); };
  CHECK_THAT(
      warnings("device,motion,y,timestamp,x", [&](int r) { return wave(r) + "," + wave(r + 1) + "," + wave(r + 2); }),
      Contains("column \"timestamp\" has the name of a time") && Contains("--time"));
  CHECK_THAT(
      warnings("device,motion,y,n,x", [&](int r) { return wave(r) + "," + std::to_string(r) + "," + wave(r + 2); }),
      Contains("column \"n\" only grows within each device") && Contains("--columns"));
  CHECK_THAT(warnings("device,motion,y,q,x", [&](int r) { return wave(r) + "," + wave(r) + "e9," + wave(r + 2); }),
             Contains("column \"q\" spans a range far beyond"));
  CHECK_THAT(warnings("device,motion,y,x", [&](int r) { return wave(r) + "," + wave(r + 2); }), !Contains("column"));
}

TEST_CASE("import: a column of times goes into time.npy, from each device's first", "[simulations][import]") {
  const Imported made("device,motion,t,x\ng1,a,1500,1\ng2,a,7000,2\ng1,b,1000,3\n", [](Options& o) {
    o.time_column = "t";
    o.time_unit = simulations::TimeUnit::kMilliseconds;
  });
  REQUIRE(made.dataset.has_time());
  CHECK(made.dataset.sample_size() == 1);
  CHECK(made.dataset.time_of(0) == 0.5F);
  CHECK(made.dataset.time_of(1) == 0);
  CHECK(made.dataset.time_of(2) == 0);
  CHECK(made.report.warnings.size() == 3);  // two small classes, nothing to test with
  const auto timed = [](Options& o) { o.time_column = "t"; };
  CHECK_THAT(error_of("device,motion,t,x\ng1,a,1.3.2026 12:00,1\n", timed), Contains("write it as 2026-03-01T12:30"));
}

TEST_CASE("import: no column flattens another", "[simulations][import]") {
  const Imported made("motion,device,g,pressure\na,1,-1.5,0\nb,2,1.5,101325.5\nc,3,0.001,101000\n");
  CHECK(std::string(made.report.storage) == "i16");
  CHECK(made.dataset.scale().size() == 2);
  CHECK(made.values(2)[0] == Approx(0.001).margin(3.0 / 65534));
  CHECK(made.values(2)[1] == Approx(101000).margin(1));
  CHECK_THAT(made.text(), Contains("input_scale = [") && Contains("input = [2]"));
  // Channels are the last extent.
  const Imported shaped("motion,device,a0,b0,a1,b1\nu,1,1,1000,2,0.5\nv,2,3,4,5,6\n", [](Options& o) {
    o.shape = {2, 2};
  });
  CHECK(shaped.dataset.scale().size() == 2);
  CHECK(shaped.dataset.scale()[0] == 1);  // 1, 2, 3, 5: as they are
  CHECK(shaped.values(0)[3] == Approx(0.5).margin(0.01));
}

TEST_CASE("import: numbered columns may be one channel", "[simulations][import]") {
  const std::string csv = "device,motion,x0,x1,x2,x3,x4,x5,x6,x7\ng1,a,1,2,3,4,5,6,7,0.5\ng2,b,2,3,4,5,6,7,8,9\n";
  CHECK_THAT(Imported(csv).text(), Contains("columns \"x0\" .. \"x7\" have a scale each") && Contains("--shape 8x1"));
  const Imported one(csv, [](Options& o) { o.shape = {8, 1}; });
  CHECK(one.dataset.scale().size() == 1);
  CHECK_THAT(one.text(), !Contains("have a scale each") && Contains("input = [8]  # or [8, 1] before conv1d"));
}

TEST_CASE("import: standardised values have mean 0 and deviation 1 over the training split", "[simulations][import]") {
  std::string csv = "device,motion,part,x,y\n";
  for (int row = 0; row < 40; ++row) {
    const bool is_test = row % 4 == 0;
    csv += std::string("g1,") + (row % 2 == 0 ? "a," : "b,") + (is_test ? "test," : "train,") +
           std::to_string(is_test ? 1000 : row) + "," + std::to_string(row * row) + ".5\n";
  }
  for (const auto storage : {simulations::ImportStorage::kChosen, simulations::ImportStorage::kI16}) {
    const Imported made(csv, [storage](Options& o) {
      o.split_column = "part";
      o.is_standardised = true;
      o.storage = storage;
    });
    double sum = 0;
    double squares = 0;
    for (std::size_t r = 0; r < 40; ++r) {
      if (made.dataset.split_of(r) != Split::kTrain) continue;
      sum += made.values(r)[0];
      squares += made.values(r)[0] * made.values(r)[0];
    }
    CHECK(sum / 30 == Approx(0).margin(2e-3));
    CHECK(squares / 30 == Approx(1).margin(5e-3));
    CHECK_THAT(made.text(), Contains("channel_std"));
    const bool is_float = storage == simulations::ImportStorage::kChosen;
    CHECK(std::string(made.report.storage) == (is_float ? "float32" : "i16"));
    if (is_float) CHECK_THAT(made.text(), Contains("input_scale = 1\n") && Contains("input_offset = 0\n"));
  }
}

TEST_CASE("import: targets of a row are no part of its sample", "[simulations][import]") {
  const Imported made("device,motion,x,power\ng1,a,1,0.5\ng2,b,2,-7\n",
                      [](Options& o) { o.target_columns = {"power"}; });
  CHECK(made.dataset.sample_size() == 1);
  REQUIRE(made.dataset.target_size() == 1);
  float target = 0;
  made.dataset.read_target(1, {&target, 1});
  CHECK(target == -7);
  CHECK(made.dataset.target_names() == std::vector<std::string>{"power"});
  const Imported plain("device,x,power\ng1,1,0.5\n", [](Options& o) {
    o.target_columns = {"power"};
    o.label_column = "";
  });
  CHECK(plain.dataset.class_of(0) == 0);
  CHECK_THAT(plain.text(), Contains("the last layer has 1 unit, for the targets"));
}

TEST_CASE("import: what is printed for an experiment is within its limits", "[simulations][import]") {
  for (const char* values : {"1e30,1e-30\ng2,b,-1e30,2e-30\n", "5,1e12\ng2,b,5,1000000000001\n", "0,0\ng2,b,0,0\n",
                             "1e-38,1\ng2,b,2e-38,2\n"}) {
    for (const auto storage : {simulations::ImportStorage::kFloat32, simulations::ImportStorage::kI16}) {
      const Imported made(std::string("device,motion,x,y\ng1,a,") + values, [&](Options& o) { o.storage = storage; });
      const std::string text = made.text();
      for (const char* key : {"input_scale = [", "input_offset = ["}) {
        const std::string list = text.substr(text.find(key) + std::string(key).size());
        for (const double number : {std::stod(list), std::stod(list.substr(list.find(',') + 1))}) {
          INFO(list);
          CHECK(std::abs(number) <= 1e9);
          if (std::string(key) == "input_scale = [") CHECK(static_cast<float>(number) != 0);
        }
      }
    }
  }
}

TEST_CASE("import: nothing that it makes is unreadable", "[simulations][import]") {
  std::mt19937_64 random(7);
  const std::vector<std::string> names{"x",  "y y", "\"q, \"\"z\"\"\"", "m/s²", "acc\xb2", "\x01",
                                       "手", "",    "Unnamed: 3",       "time", "\\"};
  const std::vector<std::string> cells{"1", "-0.5", "1e30",  "300",        "0,5",        "\"0,5\"",
                                       "",  "NA",   "1e-40", "2026-03-01", "99999999999"};
  const std::vector<std::string> texts{"g1", "2", "10", "M\xfcller",          "手",  "\"a, b\"",
                                       "",   " ", "\\", "\"say \"\"hi\"\"\"", "\x7f"};
  const auto one_of = [&random](const auto& list) { return list[random() % list.size()]; };
  int made = 0;
  for (int round = 0; round < 400; ++round) {
    const char separator = one_of(std::string(",;\t|"));
    const std::size_t columns = 1 + random() % 3;
    std::string csv = std::string("device") + separator + "motion";
    for (std::size_t c = 0; c < columns; ++c) csv += separator + one_of(names);
    csv += '\n';
    const bool is_tame = round % 2 == 0;
    for (std::size_t row = 0; row < 1 + random() % 8; ++row) {
      csv += (is_tame ? "g1" : one_of(texts)) + separator + one_of(texts);
      for (std::size_t c = 0; c < columns; ++c)
        csv += separator + (is_tame ? std::to_string(random() % 70000) : one_of(cells));
      csv += '\n';
    }
    const test::TemporaryFolder folder;
    folder.write("windows.csv", csv);
    Options options = test::options_in(folder);
    options.test = options.validation = 0;
    options.is_standardised = random() % 3 == 0;
    const auto report = simulations::import_csv(options);
    if (!report) {
      CHECK_FALSE(report.error().message.empty());
      continue;
    }
    ++made;
    INFO(csv);
    const auto dataset = Dataset::load(options.out_dir);
    INFO((dataset ? "" : dataset.error().message));
    CHECK(dataset.has_value());
  }
  CHECK(made > 20);
}
