// A client that says exactly the bytes that it is told to, for requests that no HTTP library would send.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvserver::test {

/// A loopback address for this process alone. A port that was given back stays free there: what other tests connect
/// from, or listen on, are ports of 127.0.0.1.
inline std::string own_address() {
  const auto pid = static_cast<unsigned>(::getpid());
  return "127.71." + std::to_string(pid / 250 % 250) + "." + std::to_string(1 + pid % 250);
}

struct RawReply {
  int status = 0;
  std::string head;
  std::string body;

  /// The value of a header, or an empty string.
  [[nodiscard]] std::string header(std::string_view name) const {
    std::string lower_head;
    for (const char c : head) lower_head += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::string wanted = "\r\n";
    for (const char c : name) wanted += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const std::size_t at = lower_head.find(wanted + ": ");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + wanted.size() + 2;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port, const char* address = "127.0.0.1")
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &to.sin_addr);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  }
  ~RawClient() {
    if (socket_ >= 0) ::close(socket_);
  }
  RawClient(RawClient&& other) noexcept : socket_(other.socket_), connected_(other.connected_) { other.socket_ = -1; }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  [[nodiscard]] bool is_connected() const { return connected_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// The next reply; nullopt when the connection ends before there is a whole one.
  std::optional<RawReply> receive(bool has_body = true) {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return std::nullopt;
    }
    RawReply reply;
    reply.head = buffer_.substr(0, end + 2);
    if (reply.head.size() > 12) reply.status = std::stoi(reply.head.substr(9, 3));
    buffer_.erase(0, end + 4);
    const std::string length = reply.header("Content-Length");
    const std::size_t size = has_body && !length.empty() ? std::stoul(length) : 0;
    while (buffer_.size() < size) {
      if (!fill()) return std::nullopt;
    }
    reply.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return reply;
  }

  std::optional<RawReply> ask(std::string_view request) { return send(request) ? receive() : std::nullopt; }

  /// True when the server ends the connection without another byte.
  bool is_ended() { return buffer_.empty() && !fill() && buffer_.empty(); }

 private:
  bool fill() {
    constexpr int kPatienceMs = 20'000;  // only a server that hangs is waited for so long
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, kPatienceMs) <= 0) {
      buffer_ += "(nothing came)";
      return false;
    }
    char bytes[65536];
    const ssize_t count = ::recv(socket_, bytes, sizeof(bytes), 0);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  int socket_;
  bool connected_ = false;
  std::string buffer_;
};

}  // namespace kvserver::test
