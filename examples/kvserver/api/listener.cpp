#include "api/listener.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace kvserver {
namespace {

// Many clients that connect at once must not lose their first packet, which costs each of them a second.
constexpr int kBacklog = 1024;
// No descriptors or memory for another connection: somebody has to close one first.
constexpr std::chrono::milliseconds kPauseAfterFailure{20};
constexpr std::chrono::milliseconds kForEver{-1};

std::error_code error_now() {
  return {errno, std::generic_category()};
}

// Non-blocking, because a connection may be gone again between poll and accept.
void prepare(int descriptor) {
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
}

libraft::Result<int> listen_on(const addrinfo& address) {
  const int listener = ::socket(address.ai_family, SOCK_STREAM, 0);
  if (listener < 0) return error_now();
  prepare(listener);
  // SO_REUSEADDR alone: with SO_REUSEPORT two servers would share a port and each get half of the requests.
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (::bind(listener, address.ai_addr, address.ai_addrlen) == 0 && ::listen(listener, kBacklog) == 0) return listener;
  const std::error_code failed = error_now();
  ::close(listener);
  return failed;
}

}  // namespace

libraft::Result<std::unique_ptr<Listener>> Listener::open(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string host = address == "localhost" ? "127.0.0.1" : address;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0 || found == nullptr) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  const libraft::Result<int> listener = listen_on(*found);
  ::freeaddrinfo(found);
  if (!listener) return listener.error();
  std::array<int, 2> wake{};
  if (::pipe(wake.data()) != 0) {
    const std::error_code failed = error_now();
    ::close(*listener);
    return failed;
  }
  prepare(wake[0]);
  prepare(wake[1]);
  return std::unique_ptr<Listener>(new Listener(*listener, wake[0], wake[1]));
}

Listener::~Listener() {
  for (const int descriptor : {listener_, wake_reader_, wake_writer_}) ::close(descriptor);
}

std::uint16_t Listener::port() const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

// False when stop() was called.
bool Listener::await(bool connections, std::chrono::milliseconds patience) const {
  std::array<pollfd, 2> wait{pollfd{wake_reader_, POLLIN, 0}, pollfd{listener_, POLLIN, 0}};
  ::poll(wait.data(), connections ? 2 : 1, static_cast<int>(patience.count()));
  return wait[0].revents == 0;
}

int Listener::accept() {
  while (await(true, kForEver)) {
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection >= 0) {
      const int yes = 1;
      ::fcntl(connection, F_SETFD, FD_CLOEXEC);
      // Replies are written in two parts: with Nagle's algorithm the second waits 40 ms for the client's delayed ACK.
      ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
      return connection;
    }
    const bool passing = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    if (!passing && !await(false, kPauseAfterFailure)) break;
  }
  return -1;
}

void Listener::stop() noexcept {
  const char wake = 0;
  [[maybe_unused]] const ssize_t count = ::write(wake_writer_, &wake, 1);
}

}  // namespace kvserver
