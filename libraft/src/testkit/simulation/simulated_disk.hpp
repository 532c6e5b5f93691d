// SimulatedDisk: a machine's disk. A FaultFileSystem that knows which of its bits are not what was written.
#pragma once

#include "testkit/simulation/simulated_events.hpp"

#include <libraft/testkit/fault_file_system.hpp>
#include <libraft/testkit/simulation.hpp>
#include <libraft/types.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace libraft::testkit {

/// Lives as long as the simulation: a crash of the node leaves what was durable.
class SimulatedDisk {
 public:
  SimulatedDisk(std::uint64_t seed, NodeId node);

  [[nodiscard]] FaultFileSystem& files() { return files_; }
  [[nodiscard]] const FaultFileSystem& files() const { return files_; }

  /// What a crash took.
  struct Loss {
    std::size_t pending = 0;  ///< changes that were not synced
    std::size_t lost = 0;     ///< of those
    bool write = false;       ///< all of one is lost
    bool torn = false;        ///< a part of one is lost
    bool name = false;        ///< a creation, rename or removal is lost
  };
  /// A process begins to use it.
  void begin_life() { is_flip_older_ = is_damaged(); }
  /// The process that used it is gone, and so is what `unsynced` says.
  Loss crash(Unsynced unsynced);
  /// See Simulation::crash_at_file_call.
  void power_off_at(std::uint64_t calls);
  /// True once that call was made, until crash().
  [[nodiscard]] bool has_lost_power() const { return may_lose_power_ && files_.power_is_off(); }

  /// Room for so many more bytes.
  void fill(std::uint64_t bytes_left);
  /// There is room again. Whether there was none.
  bool free();

  /// Flips a bit in `range`, which is durable. One at a time. Says where; nothing: where it fell it could not be told
  /// from what others are, and is not flipped.
  std::string damage(const DiskRange& range);
  /// Turns it back, if it is to be found.
  void mend();
  /// From damage() on, until it is mended or the storage is known to be whole.
  [[nodiscard]] bool is_damaged() const { return !flip_.empty(); }
  /// A storage was opened and found nothing: true when it should have, for the bit was there before and still is.
  [[nodiscard]] bool has_overlooked_damage();

 private:
  /// A piece of a file with the bit in it, long enough and telling enough that no other piece is taken for it.
  struct Window {
    std::string was;
    std::string is;
  };
  struct Place {
    std::string path;
    std::uint64_t offset = 0;
    std::string was;
    bool is_copy = false;
  };
  [[nodiscard]] std::optional<Place> find_flip() const;
  [[nodiscard]] std::vector<bool> draw_kept(const std::vector<PendingChange>& pending, Unsynced unsynced);

  FaultFileSystem files_;
  bool may_lose_power_ = false;
  bool is_full_ = false;
  std::vector<Window> flip_;      // around the bit, and from it on; none: no bit is flipped
  std::uint64_t flip_begin_ = 0;  // of the first of them, in the file that was damaged
  bool is_flip_older_ = false;    // than the process: else the storage may have been opened before
  RandomStream crash_;
  RandomStream damage_;
};

}  // namespace libraft::testkit
