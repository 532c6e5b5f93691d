// The server's side of one TCP connection, bounded in bytes and in time.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

namespace kvserver {

/// What cpp-httplib reads requests from and writes replies to. Its own stream waits anew for each byte, so that a byte
/// a second keeps it busy for ever, and loses what was read ahead of the next request; this one has a deadline for each
/// part of a request, a bound for the headers, and lives as long as the connection.
///
/// A stream that met an end, an error, a bound or a deadline is broken, and stays so.
class HttpStream : public httplib::Stream {
 public:
  using Clock = std::chrono::steady_clock;

  explicit HttpStream(int socket) : socket_(socket) {}

  /// Waits for the first byte of a request; false when none came in time, or never will.
  [[nodiscard]] bool await_request(std::chrono::milliseconds patience);
  /// Head: at most `bytes_max` in at most `patience`.
  void expect_head(std::size_t bytes_max, std::chrono::milliseconds patience);
  /// Body and reply: whoever calls knows how long the body is.
  void expect_body(std::chrono::milliseconds body_patience, std::chrono::milliseconds write_patience);
  /// What was read as the head: all of it, byte for byte as it came, once expect_body was called. cpp-httplib, which
  /// refuses a target with more than one '?' (RFC 3986, 3.4, allows it), is given '&' in place of the others: who wants
  /// to know the target asks here.
  [[nodiscard]] const std::string& head() const { return head_; }
  [[nodiscard]] bool is_broken() const { return broken_; }

  /// Broken by a deadline.
  [[nodiscard]] bool is_late() const { return late_; }

  [[nodiscard]] bool is_readable() const override { return !broken_; }
  [[nodiscard]] bool is_writable() const override { return !write_broken_; }
  ssize_t read(char* into, std::size_t size) override;
  using httplib::Stream::write;
  ssize_t write(const char* bytes, std::size_t size) override;
  // Nobody here asks who the client is: no system call for it.
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  [[nodiscard]] socket_t socket() const override { return socket_; }

 private:
  bool fill(Clock::time_point deadline);
  void take_head(char* bytes, std::size_t count);

  const int socket_;
  std::array<char, 16384> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t readable_ = 0;  // bytes until the bound
  bool is_head_ = false;      // that is being read
  bool is_request_line_ = false;
  bool has_query_ = false;  // the request line had a '?'
  std::string head_;
  Clock::time_point read_deadline_;
  std::chrono::milliseconds write_patience_{0};
  bool broken_ = false;
  bool late_ = false;
  bool write_broken_ = false;
};

/// Ends a connection so that the client still gets the last reply: closing with unread bytes would make the system
/// reset the connection, and the client drop what it has not read. Waits a little for the client to stop sending.
void linger(int socket);

}  // namespace kvserver
