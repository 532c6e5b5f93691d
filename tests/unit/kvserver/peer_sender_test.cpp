#include "transport/peer_sender.hpp"

#include "api/http_server.hpp"
#include "raw_client.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

namespace {

using namespace kvserver;
using libraft::PeerEvent;

constexpr std::chrono::seconds kPatience{20};  // spent only by a test that fails

libraft::Message vote_request(std::uint64_t term) {
  libraft::Message message;
  message.body = libraft::RequestVote{{term}, {}, false};
  return message;
}

// Hears of `unreachable` slowly: only when `reachable` was heard of, or could have been for a while.
class SlowHost final : public PeerSenderHost {
 public:
  std::optional<Written> write_request(const libraft::Message&) override { return Written{1, "{}"}; }
  bool take_answer(const libraft::Message&, std::uint64_t, std::string_view) override { return true; }
  void not_answered(libraft::NodeId, int, std::string_view) override {}
  void peer_changed(libraft::NodeId, PeerEvent event) override {
    std::unique_lock lock(mutex_);
    ++begun_;
    changed_.notify_all();
    if (event == PeerEvent::unreachable) {
      changed_.wait_for(lock, kPatience, [this] { return is_answering_; });
      changed_.wait_for(lock, std::chrono::milliseconds(100), [this] { return !events_.empty(); });
    }
    events_.push_back(event);
    changed_.notify_all();
  }

  bool await_begin() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return begun_ > 0; });
  }
  void note_answering() {
    const std::lock_guard lock(mutex_);
    is_answering_ = true;
    changed_.notify_all();
  }
  std::vector<PeerEvent> await_events(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return events_.size() >= count; });
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int begun_ = 0;
  bool is_answering_ = false;
  std::vector<PeerEvent> events_;
};

TEST_CASE("PeerSender tells of a peer's changes in their order, whichever of its threads sees them") {
  HttpServerOptions options;
  options.address = kvserver::test::own_address();
  {
    HttpServer before(options);
    REQUIRE_FALSE(before.start());
    options.port = before.port();
  }
  SlowHost host;
  HttpServer peer(options);
  peer.route("POST", "/raft/requestvote", [&host](const HttpRequest&) {
    host.note_answering();
    return json_reply(200, "{}");
  });
  PeerSender sender({7}, "http://" + options.address + ":" + std::to_string(options.port), {}, host);
  sender.send(vote_request(1));  // nobody listens yet
  REQUIRE(host.await_begin());
  REQUIRE_FALSE(peer.start());
  sender.send(vote_request(2));
  CHECK(host.await_events(2) == std::vector{PeerEvent::unreachable, PeerEvent::reachable});
}

}  // namespace
