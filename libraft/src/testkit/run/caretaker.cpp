#include "testkit/run/caretaker.hpp"

#include <libraft/status.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace libraft::testkit {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kAheadMax = 20;  // entries that are waited for

}  // namespace

void Caretaker::begin() {
  agenda_.in(random_.log_between(milliseconds(100), seconds(20)), [this] { look(); });
}

void Caretaker::look() {
  if (is_stopped_) return;
  const NodeId at = cluster_.ids()[random_.below(cluster_.ids().size())];
  const Duration timeout = random_.log_between(milliseconds(10), seconds(10));
  random_.chance(500000) ? wait_leader(at, timeout) : wait_applied(at, timeout);
  begin();
}

void Caretaker::wait_leader(NodeId at, Duration timeout) {
  if (!cluster_.is_up(at)) return;
  const std::uint64_t number = begin_request("wait_leader", at, timeout);
  cluster_.simulation().wait_leader(at, timeout, [this, number, at](std::error_code error, NodeId leader) {
    end_request(number);
    const auto& ids = cluster_.ids();
    if (!error && std::find(ids.begin(), ids.end(), leader) == ids.end()) {
      broken(fmt::format("node {} names {} as the leader, which is no member", at.value, leader.value));
    }
  });
}

void Caretaker::wait_applied(NodeId at, Duration timeout) {
  if (!cluster_.is_up(at)) return;
  const LogIndex wanted{cluster_.simulation().status(at).applied.value + random_.below(kAheadMax)};
  const std::uint64_t number = begin_request(fmt::format("wait_applied({})", wanted.value), at, timeout);
  cluster_.simulation().wait_applied(
      at, wanted, timeout, [this, number, at, wanted](std::error_code error, LogIndex applied) {
        end_request(number);
        const LogIndex now = cluster_.simulation().status(at).applied;
        if (!error && (applied < wanted || now < wanted)) {
          broken(fmt::format("node {} says that {} is applied when {} was asked for; it has applied {}", at.value,
                             applied.value, wanted.value, now.value));
        }
      });
}

void Caretaker::transfer_leadership(NodeId at, Duration timeout) {
  if (!cluster_.is_up(at)) return;
  const std::uint64_t number = begin_request("transfer_leadership", at, timeout);
  cluster_.simulation().transfer_leadership(at, std::nullopt, timeout,
                                            [this, number](std::error_code) { end_request(number); });
}

void Caretaker::take_snapshot(NodeId at, Duration timeout) {
  if (!cluster_.is_up(at)) return;
  const std::uint64_t number = begin_request("take_snapshot", at, timeout);
  cluster_.simulation().take_snapshot(at, timeout, [this, number](std::error_code, LogId) { end_request(number); });
}

std::uint64_t Caretaker::begin_request(std::string what, NodeId at, Duration timeout) {
  requests_[++last_number_] = {std::move(what), at, agenda_.now()};
  due_ = std::max(due_, agenda_.now() + timeout);
  return last_number_;
}

void Caretaker::end_request(std::uint64_t number) {
  if (requests_.erase(number) == 0) {
    broken(fmt::format("request {} of the caretaker ended twice, or after its node had died", number));
  }
}

void Caretaker::on_crash(NodeId node) {
  std::erase_if(requests_, [&](const auto& request) { return request.second.at == node; });
}

std::string Caretaker::oldest_request() const {
  if (requests_.empty()) return "none";
  const Request& request = requests_.begin()->second;
  return fmt::format("{} at node {}, begun at {:.6f} s", request.what, request.at.value,
                     static_cast<double>((request.begun - TimePoint{}).count()) / 1e9);
}

}  // namespace libraft::testkit
