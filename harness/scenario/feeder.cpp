#include "harness/scenario/feeder.hpp"

#include <filesystem>
#include <fstream>

#include "harness/profile/secrets.hpp"

namespace stampede {

Checked<FeederRows> read_feeder(const FeederSpec& spec, const std::string& profile_file) {
  const auto fail = [&](std::string message, std::string hint) {
    return Diagnostics{
        {profile_file, spec.place, "feeder \"" + spec.name + "\": " + message, std::move(hint)}};
  };
  const std::string path = path_beside(profile_file, spec.file);
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return fail("there is no file " + path, "the path is relative to the profile");
  }
  const auto size = std::filesystem::file_size(path, error);
  if (error || size > feeder_bytes_max) {
    return fail(path + " is larger than " + std::to_string(feeder_bytes_max >> 20U) + " MiB", "");
  }
  std::ifstream in(path, std::ios::binary);
  std::string text(size, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in) return fail("cannot read " + path, "who may read it?");
  return spec.format == FeederSpec::Format::csv ? read_csv(text, path, spec.delimiter)
                                                : read_json_lines(text, path);
}

std::uint64_t permuted(std::uint64_t index, std::uint64_t size, std::uint64_t seed) noexcept {
  constexpr unsigned rounds = 4;
  unsigned half = 1;  // bits of each half
  while (half < 31 && (std::uint64_t{1} << (2 * half)) < size) ++half;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  do {
    std::uint64_t left = index >> half;
    std::uint64_t right = index & mask;
    for (unsigned round = 0; round < rounds; ++round) {
      const std::uint64_t mixed = Random(seed + round, right).next() & mask;
      const std::uint64_t next = left ^ mixed;
      left = right;
      right = next;
    }
    index = left << half | right;
  } while (index >= size);
  return index;
}

FeederCursor::FeederCursor(const CompiledFeeder& feeder, std::uint32_t worker,
                           std::uint32_t workers, std::uint64_t seed)
    : feeder_(&feeder),
      worker_(feeder.by_worker ? worker : 0),
      workers_(feeder.by_worker ? workers : 1),
      seed_(seed) {
  // Rows that could not be read are a problem of the profile; nobody draws from them.
  if (feeder.zipf > 0 && feeder.rows != nullptr && feeder.rows->rows() > 0) {
    popularity_.emplace(feeder.rows->rows(), feeder.zipf);
  }
}

std::optional<std::uint64_t> FeederCursor::next(Random& random) {
  using Mode = FeederSpec::Mode;
  const std::uint64_t rows = feeder_->rows->rows();
  if (popularity_) return (*popularity_)(random);
  if (feeder_->mode == Mode::random) {
    // Of rows worker, worker + workers, …; a worker without a row of its own takes any.
    const std::uint64_t own = worker_ < rows ? (rows - worker_ - 1) / workers_ + 1 : 0;
    return own == 0 ? random.below(rows) : worker_ + workers_ * random.below(own);
  }
  const std::uint64_t tick = worker_ + workers_ * taken_;
  if (feeder_->ends() && tick >= rows) return std::nullopt;
  ++taken_;
  if (feeder_->mode == Mode::circular) return tick % rows;
  return feeder_->mode == Mode::queue ? tick : permuted(tick, rows, seed_);
}

std::string FeederCursor::exhausted() const {
  std::string text = "feeder \"" + feeder_->name + "\" has no row left: it has " +
                     std::to_string(feeder_->rows->rows());
  if (workers_ > 1) text += ", of which this worker owned " + std::to_string(taken_);
  return text;
}

}  // namespace stampede
