#include "folder_writer.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "skink/host/files/files.hpp"

namespace skink::simulations {
namespace {

namespace fs = std::filesystem;

Error unavailable(const std::string& path, const std::string& reason) {
  return make_error(Status::kUnavailable, path + ": " + reason);
}

std::string last_error() { return errno != 0 ? std::strerror(errno) : "output failed"; }

/// Little-endian, as all hosts are (npy.cpp).
template <class Number>
std::string_view bytes_of(const Number& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

}  // namespace

HashedFile::HashedFile(std::string folder, std::string name)
    : name_(std::move(name)), path_(std::move(folder) + "/" + name_), file_(path_, std::ios::binary) {}

void HashedFile::add(std::string_view bytes) {
  if (!is_good()) return;
  errno = 0;
  if (!file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) failure_ = last_error();
  hash_.add(skink::bytes_of(bytes));
}

Result<std::string> HashedFile::finish() {
  errno = 0;
  file_.close();
  if (!file_ && is_good()) failure_ = last_error();
  if (!is_good()) return unavailable(path_, "cannot be written: " + failure_);
  char digits[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(hash_.finish(), digits);
  return std::string(digits) + "  " + name_ + "\n";
}

std::string npy_heading(const char* descr, const std::vector<std::size_t>& shape) {
  constexpr std::size_t kBeforeText = 10;
  constexpr std::size_t kAlignment = 64;
  std::string text = std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  text += shape.size() == 1 ? ",), }" : "), }";
  while ((kBeforeText + text.size() + 1) % kAlignment != 0) text += ' ';
  text += '\n';
  std::string heading("\x93NUMPY\x01\x00", 8);
  heading += static_cast<char>(text.size() & 0xff);
  heading += static_cast<char>(text.size() >> 8);
  return heading + text;
}

Result<void> check_vacant(const std::string& folder) {
  std::error_code code;
  const fs::file_status status = fs::status(folder, code);
  if (!fs::exists(status)) return {};
  if (!fs::is_directory(status)) return unavailable(folder, "is there already and no folder");
  const bool is_empty = fs::is_empty(folder, code);
  if (code) return unavailable(folder, "cannot be read: " + code.message());
  if (!is_empty) return unavailable(folder, "is there already and not empty; nothing was changed");
  return {};
}

FolderWriter::FolderWriter(std::string folder, std::string temporary)
    : folder_(std::move(folder)),
      temporary_(std::move(temporary)),
      x_(temporary_, "x.npy"),
      classes_(temporary_, "class.npy"),
      clients_(temporary_, "client.npy"),
      splits_(temporary_, "split.npy") {}

Result<std::unique_ptr<FolderWriter>> FolderWriter::create(const std::string& folder, const FolderShape& shape) {
  const Result<void> vacant = check_vacant(folder);
  if (!vacant) return vacant.error();
  const std::string temporary = folder + ".part-" + std::to_string(getpid());
  std::error_code code;
  fs::remove_all(temporary, code);  // of a process that was killed and had our number
  const Result<void> made = make_folder(temporary);
  if (!made) return made.error();
  std::unique_ptr<FolderWriter> writer(new FolderWriter(folder, temporary));
  const std::size_t records = shape.records;
  std::vector<std::size_t> all{records};
  all.insert(all.end(), shape.sample.begin(), shape.sample.end());
  writer->x_.add(npy_heading(shape.descr, all));
  writer->classes_.add(npy_heading("<u2", {records}));
  writer->clients_.add(npy_heading("<u2", {records}));
  writer->splits_.add(npy_heading("|u1", {records}));
  const auto add_file = [&](std::unique_ptr<HashedFile>& file, const char* name, const std::string& heading) {
    file = std::make_unique<HashedFile>(temporary, name);
    file->add(heading);
  };
  if (shape.has_time) add_file(writer->times_, "time.npy", npy_heading("<f4", {records}));
  if (shape.has_recording) add_file(writer->recordings_, "recording.npy", npy_heading("<u2", {records}));
  if (shape.targets > 0) add_file(writer->targets_, "target.npy", npy_heading("<f4", {records, shape.targets}));
  return writer;
}

FolderWriter::~FolderWriter() {
  std::error_code ignored;
  if (!is_finished_) fs::remove_all(temporary_, ignored);
}

bool FolderWriter::add(const FolderRecord& record) {
  x_.add(record.sample);
  classes_.add(bytes_of(record.label));
  clients_.add(bytes_of(record.client));
  splits_.add(bytes_of(record.split));
  if (times_) times_->add(bytes_of(record.time));
  if (recordings_) recordings_->add(bytes_of(record.recording));
  if (targets_) targets_->add(record.targets);
  for (const HashedFile* file : {&x_, &classes_, &clients_, &splits_}) {
    if (!file->is_good()) return false;
  }
  for (const auto* file : {&times_, &recordings_, &targets_}) {
    if (*file && !(*file)->is_good()) return false;
  }
  return true;
}

Result<void> FolderWriter::finish(std::string_view description) {
  HashedFile json(temporary_, "dataset.json");
  json.add(description);
  std::string sums;
  for (HashedFile* file :
       {&classes_, &clients_, &json, recordings_.get(), &splits_, targets_.get(), times_.get(), &x_}) {
    if (file == nullptr) continue;
    const auto line = file->finish();
    if (!line) return line.error();
    sums += *line;
  }
  Result<void> written = write_file(temporary_ + "/sha256sums", sums);
  if (written) written = sync_folder(temporary_);
  if (!written) return written;
  if (std::rename(temporary_.c_str(), folder_.c_str()) != 0) {
    return unavailable(folder_, "cannot be put in its place: " + last_error());
  }
  is_finished_ = true;
  return sync_names(fs::path(folder_).parent_path().string());
}

}  // namespace skink::simulations
