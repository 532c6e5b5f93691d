// Snapshots that fit into memory.
#include <libraft/error.hpp>
#include <libraft/state_machine.hpp>

#include <algorithm>

namespace libraft {
namespace {

/// Small enough for a stop to be heard soon, large enough for a disk.
constexpr std::size_t kPieceBytes = 256u << 10;

class WholeState final : public SnapshotTask {
 public:
  explicit WholeState(Bytes state) : state_(std::move(state)) {}

  [[nodiscard]] std::error_code save(SnapshotSink& sink, const StopFlag& stop) override {
    const std::string_view all = state_.view();
    for (std::size_t done = 0; done < all.size(); done += kPieceBytes) {
      if (stop.requested()) return errc::cancelled;
      if (const auto error = sink.write(all.substr(done, kPieceBytes))) return error;
    }
    return stop.requested() ? make_error_code(errc::cancelled) : std::error_code{};
  }

 private:
  Bytes state_;
};

}  // namespace

std::unique_ptr<SnapshotTask> snapshot_of(Bytes whole_state) {
  return std::make_unique<WholeState>(std::move(whole_state));
}

Result<Bytes> read_all(SnapshotReader& reader, std::size_t bytes_max) {
  const std::uint64_t size = reader.meta().size;
  if (size > bytes_max) return errc::message_too_large;
  std::string all(static_cast<std::size_t>(size), '\0');
  std::size_t done = 0;
  while (done < all.size()) {
    const auto count = reader.read_at(done, std::span(all).subspan(done));
    if (!count) return count.error();
    if (*count == 0) return errc::corrupt_data;
    done += *count;
  }
  return Bytes(std::move(all));
}

}  // namespace libraft
