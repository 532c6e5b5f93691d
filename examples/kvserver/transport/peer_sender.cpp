#include "transport/peer_sender.hpp"

#include "config_url.hpp"
#include "transport/message_json.hpp"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace kvserver {
namespace {

using Clock = std::chrono::steady_clock;

// A vote that waits for the peer's disk must not hold up heartbeats.
constexpr int kControlWorkers = 2;
constexpr std::size_t kAnswerBytesMax = 64u << 10;
// How often a thread that is told to end is told again: its next call may begin just after it was told.
constexpr std::chrono::milliseconds kTellAgain{20};

// Servers listen on IPv4 by default, and "localhost" would try ::1 first.
std::string host_to_connect(const NodeUrl& url) {
  return url.host == "localhost" ? "127.0.0.1" : url.host;
}

}  // namespace

/// A thread that empties a lane's queue, and the connection that it keeps.
class PeerSender::Worker {
 public:
  Worker(PeerSender& owner, Lane lane, PeerQueue& queue, const PeerTimeouts& timeouts)
      : owner_(owner),
        lane_(lane),
        queue_(queue),
        answer_timeout_(lane == Lane::control ? timeouts.control : timeouts.bulk) {
    std::string why;
    if (const auto url = parse_node_url(owner.url_, why)) {
      authority_ = url->text().substr(url->scheme.size() + 3);
      client_.emplace(host_to_connect(*url), url->port);
      client_->set_tcp_nodelay(true);
      client_->set_keep_alive(true);
      client_->set_decompress(false);
      client_->set_connection_timeout(timeouts.connect);
      client_->set_read_timeout(answer_timeout_);
      client_->set_write_timeout(answer_timeout_);
    }
    thread_ = std::thread([this] { run(); });
  }

  ~Worker() {
    queue_.close();
    is_stopping_ = true;
    for (std::unique_lock lock(mutex_); !is_ended_;) {
      lock.unlock();
      if (client_) client_->stop();
      lock.lock();
      ended_.wait_for(lock, kTellAgain, [this] { return is_ended_.load(); });
    }
    thread_.join();
  }

  [[nodiscard]] bool is_ended() const noexcept { return is_ended_; }

 private:
  void run() {
    bool is_writable = false;
    while (const auto request = queue_.pop(is_writable)) {
      if (is_writable) owner_.host_.peer_changed(owner_.peer_, libraft::PeerEvent::writable);
      const bool is_answered = carry(*request);
      if (!is_answered && lane_ == Lane::bulk) {
        owner_.host_.peer_changed(owner_.peer_, libraft::PeerEvent::dropped);
      }
    }
    const std::lock_guard lock(mutex_);
    is_ended_ = true;
    ended_.notify_all();
  }

  // True when the reply came.
  bool carry(const libraft::Message& request) {
    const auto written = owner_.host_.write_request(request);
    if (!written) return false;
    httplib::Response answer;
    const bool reached = post(path_of(request.body), written->body, answer);
    if (!reached || answer.status != 200) {
      // An answer that is no reply is no sign that messages get through: a node that starts or stops gives it too.
      if (!reached) owner_.experience(false);
      if (reached) owner_.host_.not_answered(owner_.peer_, answer.status, answer.body);
      return false;
    }
    if (!owner_.host_.take_answer(request, written->request_id, answer.body)) return false;
    owner_.experience(true);
    return true;
  }

  bool post(std::string_view path, const std::string& body, httplib::Response& answer) {
    if (!client_) return false;
    const bool was_open = client_->is_socket_open() != 0;
    const Clock::time_point begin = Clock::now();
    if (post_once(path, body, answer)) return true;
    // The peer may have closed the kept connection just now. A request that arrives twice does no harm.
    const bool may_be_that = was_open && Clock::now() - begin < answer_timeout_ / 2;
    return may_be_that && !is_stopping_ && post_once(path, body, answer);
  }

  bool post_once(std::string_view path, const std::string& body, httplib::Response& answer) {
    httplib::Request request;
    request.method = "POST";
    request.path = path;
    request.headers = {{"Host", authority_}, {"Content-Type", "application/json"}};
    request.body = body;
    std::string received;
    request.content_receiver = [&received](const char* bytes, std::size_t count, std::uint64_t, std::uint64_t) {
      if (received.size() + count > kAnswerBytesMax) return false;
      received.append(bytes, count);
      return true;
    };
    httplib::Error error = httplib::Error::Success;
    answer = httplib::Response();
    if (!client_->send(request, answer, error)) return false;
    answer.body = std::move(received);
    return true;
  }

  PeerSender& owner_;
  const Lane lane_;
  PeerQueue& queue_;
  const std::chrono::milliseconds answer_timeout_;
  std::string authority_;                  // host:port as the URL says
  std::optional<httplib::Client> client_;  // none when the URL is none
  std::mutex mutex_;
  std::condition_variable ended_;
  std::atomic<bool> is_ended_ = false;  // changed under mutex_
  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

PeerSender::PeerSender(libraft::NodeId peer, std::string url, PeerTimeouts timeouts, PeerSenderHost& host)
    : peer_(peer), url_(std::move(url)), host_(host) {
  for (int i = 0; i < kControlWorkers; ++i) {
    workers_.push_back(std::make_unique<Worker>(*this, Lane::control, control_, timeouts));
  }
  workers_.push_back(std::make_unique<Worker>(*this, Lane::bulk, bulk_, timeouts));
}

PeerSender::~PeerSender() {
  retire();
}

void PeerSender::send(libraft::Message request) {
  PeerQueue& queue = lane_of(request.body) == Lane::control ? control_ : bulk_;
  const PeerQueue::Pushed pushed = queue.push(std::move(request));
  if (pushed.dropped) host_.peer_changed(peer_, libraft::PeerEvent::dropped);
  if (pushed.saturated) host_.peer_changed(peer_, libraft::PeerEvent::saturated);
}

void PeerSender::retire() noexcept {
  control_.close();
  bulk_.close();
}

bool PeerSender::is_ended() const noexcept {
  return std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->is_ended(); });
}

void PeerSender::experience(bool reached) {
  const std::lock_guard lock(experience_mutex_);
  if (std::exchange(is_reachable_, reached) == reached) return;
  host_.peer_changed(peer_, reached ? libraft::PeerEvent::reachable : libraft::PeerEvent::unreachable);
}

}  // namespace kvserver
