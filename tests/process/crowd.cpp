// A crowd at a server's door: connections that say nothing, and connections that send a byte a second of a request
// that never ends. What the server closes is opened again. It stays until its standard input ends.
//
//     crowd ADDRESS PORT IDLE SLOW
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr std::string_view kRequest = "GET /health HTTP/1.1\r\nHost: crowd\r\nX-Slow: ";

class Guest {
 public:
  Guest(const sockaddr_in& server, bool is_slow) : server_(&server), is_slow_(is_slow) {}
  Guest(Guest&& other) noexcept
      : server_(other.server_),
        is_slow_(other.is_slow_),
        socket_(std::exchange(other.socket_, -1)),
        sent_(other.sent_) {}
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  Guest& operator=(Guest&&) = delete;
  ~Guest() { leave(); }

  // Connects when it is not connected. False when the server can't be reached at all.
  bool enter() {
    if (socket_ >= 0) return true;
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return false;
    sent_ = 0;
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(server_), sizeof *server_) == 0) return true;
    leave();
    return false;
  }

  // True when the server has closed this connection; it is left then.
  bool was_shown_out() {
    char answer[256];
    const ssize_t got = ::recv(socket_, answer, sizeof answer, MSG_DONTWAIT);
    if (got > 0 || (got < 0 && errno == EAGAIN)) return false;
    leave();
    return true;
  }

  void say_a_byte() {
    if (!is_slow_ || socket_ < 0) return;
    const char next = sent_ < kRequest.size() ? kRequest[sent_] : 'x';
    if (::send(socket_, &next, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1) ++sent_;
  }

 private:
  void leave() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  const sockaddr_in* server_;
  bool is_slow_;
  int socket_ = -1;
  std::size_t sent_ = 0;
};

// Waits a second; false when the standard input has ended.
bool wait_a_second() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (::poll(&input, 1, 1000) == 0) return true;
  char ignored[64];
  return ::read(STDIN_FILENO, ignored, sizeof ignored) > 0;
}

}  // namespace

int main(int argc, char** argv) {
  sockaddr_in server{};
  server.sin_family = AF_INET;
  if (argc != 5 || ::inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) {
    std::cerr << "usage: crowd ADDRESS PORT IDLE SLOW\n";
    return 2;
  }
  server.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
  const int idle = std::atoi(argv[3]);
  const int slow = std::atoi(argv[4]);

  std::vector<Guest> guests;
  for (int i = 0; i < idle + slow; ++i) guests.emplace_back(server, i >= idle);
  for (Guest& guest : guests) {
    if (guest.enter()) continue;
    std::cerr << "crowd: cannot connect\n";
    return 1;
  }
  std::cout << "ready: " << guests.size() << " connections" << std::endl;

  int shown_out = 0;
  int turned_away = 0;
  while (wait_a_second()) {
    for (Guest& guest : guests) {
      guest.say_a_byte();
      if (guest.was_shown_out()) ++shown_out;
      if (!guest.enter()) ++turned_away;
    }
  }
  std::cout << "the server closed " << shown_out << " connections and refused " << turned_away << std::endl;
  return 0;
}
