// LogReader: reads old entries back from storage, between writes.
#pragma once

#include <libraft/effects.hpp>
#include <libraft/event.hpp>
#include <libraft/runtime.hpp>
#include <libraft/storage.hpp>

#include <cstddef>
#include <string>
#include <system_error>
#include <vector>

namespace libraft::node {

/// Invariant: at most one job is at the storage lane; reads are answered in the order in which they were asked for.
class LogReader final : private Job {
 public:
  struct Listener {
    virtual void on_log_read(LogRead answer) = 0;
    /// The log can't be read: final, as for a write.
    virtual void on_read_failed(std::error_code error, std::string detail) = 0;

   protected:
    ~Listener() = default;
  };

  LogReader(Storage& storage, Runtime& runtime, Listener& listener)
      : storage_(storage), runtime_(runtime), listener_(listener) {}

  void submit(const ReadLog& read);
  [[nodiscard]] bool is_idle() const { return !is_reading_; }
  /// Reads that wait for those under way.
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  void close();

 private:
  void start();
  void run() noexcept override;
  void done() noexcept override;
  [[nodiscard]] LogRead answer(const ReadLog& read);

  Storage& storage_;
  Runtime& runtime_;
  Listener& listener_;
  std::vector<ReadLog> waiting_;
  bool is_reading_ = false;
  bool is_closed_ = false;

  // The storage lane's while is_reading_.
  std::vector<ReadLog> reads_;
  std::vector<LogRead> answers_;
  std::string detail_;
};

}  // namespace libraft::node
