#include "api/http_stream.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace kvserver {
namespace {

using Clock = HttpStream::Clock;

// True when `events` are there (or an end or error, which the next call will tell) before the deadline.
bool await(int socket, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd wait{socket, events, 0};
    const int count = ::poll(&wait, 1, static_cast<int>(std::min<long long>(left, std::numeric_limits<int>::max())));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

// EAGAIN alone: it is EWOULDBLOCK too on all systems of today.
bool would_block() {
  return errno == EAGAIN || errno == EINTR;
}

}  // namespace

bool HttpStream::await_request(std::chrono::milliseconds patience) {
  if (broken_ || write_broken_) return false;
  return begin_ != end_ || fill(Clock::now() + patience);
}

void HttpStream::expect_head(std::size_t bytes_max, std::chrono::milliseconds patience) {
  readable_ = bytes_max;
  is_head_ = true;
  is_request_line_ = true;
  has_query_ = false;
  head_.clear();
  read_deadline_ = Clock::now() + patience;
  write_patience_ = patience;
}

void HttpStream::expect_body(std::chrono::milliseconds body_patience, std::chrono::milliseconds write_patience) {
  readable_ = std::numeric_limits<std::size_t>::max();
  is_head_ = false;
  read_deadline_ = Clock::now() + body_patience;
  write_patience_ = write_patience;
}

bool HttpStream::fill(Clock::time_point deadline) {
  for (;;) {
    const ssize_t count = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (count > 0) {
      begin_ = 0;
      end_ = static_cast<std::size_t>(count);
      return true;
    }
    if (count == 0 || !would_block() || !await(socket_, POLLIN, deadline)) {
      broken_ = true;
      late_ = Clock::now() >= deadline;
      return false;
    }
  }
}

void HttpStream::take_head(char* bytes, std::size_t count) {
  head_.append(bytes, count);
  for (std::size_t i = 0; i < count && is_request_line_; ++i) {
    is_request_line_ = bytes[i] != '\n';
    if (bytes[i] != '?') continue;
    if (has_query_) bytes[i] = '&';
    has_query_ = true;
  }
}

ssize_t HttpStream::read(char* into, std::size_t size) {
  if (broken_ || size == 0) return broken_ ? -1 : 0;
  if (readable_ == 0) {
    broken_ = true;
    return -1;
  }
  if (begin_ == end_ && !fill(read_deadline_)) return -1;
  const std::size_t count = std::min({size, end_ - begin_, readable_});
  std::memcpy(into, buffer_.data() + begin_, count);
  if (is_head_) take_head(into, count);
  begin_ += count;
  readable_ -= count;
  return static_cast<ssize_t>(count);
}

ssize_t HttpStream::write(const char* bytes, std::size_t size) {
  const Clock::time_point deadline = Clock::now() + write_patience_;
  std::size_t done = 0;
  while (done < size && !write_broken_) {
    const ssize_t count = ::send(socket_, bytes + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
    } else if (!would_block() || !await(socket_, POLLOUT, deadline)) {
      write_broken_ = true;
    }
  }
  return write_broken_ ? -1 : static_cast<ssize_t>(size);
}

void linger(int socket) {
  constexpr std::chrono::seconds kPatience{1};
  constexpr std::size_t kBytesMax = 64u << 20;
  ::shutdown(socket, SHUT_WR);
  const Clock::time_point deadline = Clock::now() + kPatience;
  std::array<char, 16384> ignored;
  for (std::size_t total = 0; total < kBytesMax;) {
    const ssize_t count = ::recv(socket, ignored.data(), ignored.size(), MSG_DONTWAIT);
    if (count > 0) total += static_cast<std::size_t>(count);
    const bool may_come = count > 0 || (count < 0 && would_block() && await(socket, POLLIN, deadline));
    if (!may_come || Clock::now() >= deadline) return;
  }
}

}  // namespace kvserver
