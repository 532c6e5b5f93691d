// A TCP socket that listens.
#pragma once

#include <libraft/result.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace kvserver {

/// Accepts connections until it is told to stop. A failed accept is never the end of it: it waits and goes on.
class Listener {
 public:
  /// `address` is an IPv4 or IPv6 literal, or localhost; port zero takes any free one. std::errc::address_in_use when
  /// another socket listens on the port already.
  [[nodiscard]] static libraft::Result<std::unique_ptr<Listener>> open(const std::string& address, std::uint16_t port);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// Waits for the next connection: its socket, which the caller closes; -1 once stop() was called.
  [[nodiscard]] int accept();
  /// Any thread.
  void stop() noexcept;

 private:
  Listener(int listener, int wake_reader, int wake_writer)
      : listener_(listener), wake_reader_(wake_reader), wake_writer_(wake_writer) {}
  bool await(bool connections, std::chrono::milliseconds patience) const;

  const int listener_;
  const int wake_reader_;
  const int wake_writer_;
};

}  // namespace kvserver
