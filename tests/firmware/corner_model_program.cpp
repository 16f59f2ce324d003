/// Writes the model file that the personal example of skink.h is made with.
#include <cstdio>

#include "fakes/corner_model.hpp"

int main(int count, char** values) {
  if (count != 2) return 2;
  skink::crypto::Digest digest;
  const std::vector<std::uint8_t> file = skink::test::corner_model_file(digest);
  std::FILE* out = std::fopen(values[1], "wb");
  const bool is_written = out != nullptr && std::fwrite(file.data(), 1, file.size(), out) == file.size();
  return is_written && std::fclose(out) == 0 && !file.empty() ? 0 : 1;
}
