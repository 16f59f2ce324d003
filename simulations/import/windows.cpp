#include "windows.hpp"

#include <utility>

namespace skink::simulations {

Result<WindowReader> WindowReader::open(const ImportOptions& options, Watch watch) {
  auto rows = RowReader::open(options, std::move(watch));
  if (!rows) return rows.error();
  WindowReader reader;
  reader.rows_ = std::make_unique<RowReader>(std::move(*rows));
  if (options.raw.window > 0) reader.windower_ = std::make_unique<Windower>(options, reader.rows_->columns());
  return reader;
}

Result<bool> WindowReader::next() {
  while (true) {
    Result<bool> has_row = rows_->next();
    if (!has_row) return has_row;
    if (!*has_row) {
      if (windower_) windower_->finish();
      return false;
    }
    if (windower_) {
      Result<bool> has_window = windower_->add(*rows_, window_);
      if (!has_window || *has_window) return has_window;
      continue;
    }
    window_.label = rows_->label();
    window_.device = rows_->device();
    window_.split = rows_->split();
    window_.time_s = rows_->time_s();
    window_.values = rows_->values();
    window_.targets = rows_->targets();
    return true;
  }
}

}  // namespace skink::simulations
