// The requests of other nodes that wait for this node's reply.
#pragma once

#include <libraft/message.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

namespace kvserver {

/// Brings the one reply to each request together with the thread that holds the HTTP connection open for it.
/// Thread-safe.
///
/// Invariant: waiting_ holds the exchanges whose thread still waits; a reply to any other is dropped, as a late one is.
class ExchangeTable {
 public:
  /// One open request. Its thread makes it before the node sees the request, and waits on it after.
  class Exchange {
   public:
    explicit Exchange(ExchangeTable& table);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    [[nodiscard]] std::uint64_t number() const { return number_; }
    /// The reply; nullopt when there was none in time, or the table was closed.
    [[nodiscard]] std::optional<libraft::Message> await(std::chrono::milliseconds patience);

   private:
    friend class ExchangeTable;

    ExchangeTable& table_;
    std::uint64_t number_ = 0;
    std::condition_variable answered_;
    std::optional<libraft::Message> reply_;  // guarded by the table's mutex
  };

  /// Hands a reply to the request of its `route.exchange`.
  void answer(libraft::Message reply);

  void open();
  /// Nobody waits any longer.
  void close() noexcept;

 private:
  std::mutex mutex_;
  // Guarded by mutex_:
  std::map<std::uint64_t, Exchange*> waiting_;
  std::uint64_t last_number_ = 0;
  bool is_open_ = false;
};

}  // namespace kvserver
