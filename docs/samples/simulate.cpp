// A state machine with a bug, and the run that shows it: an auction whose winner depends on the order in which an
// unordered container is walked.
#include <libraft/storage/memory_storage.hpp>
#include <libraft/testkit/simulate.hpp>

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

using libraft::Bytes;
using libraft::testkit::Random;

// Bids come in as "<bidder> <amount>". The reply is the bidder who leads. Of equal bids the first should win, and in
// this machine the one wins that the iteration happens to come to first.
class Auction final : public libraft::StateMachine {
 public:
  void apply(libraft::ApplyBatch& batch) override {
    for (libraft::AppliedCommand& command : batch) {
      const std::string text(command.command());
      const auto space = text.find(' ');
      bids_[text.substr(0, space)] = std::stoull(text.substr(space + 1)) % 4;
      command.reply(leader());
    }
  }
  std::unique_ptr<libraft::SnapshotTask> begin_snapshot() override {
    std::string text;
    for (const auto& [bidder, amount] : bids_) text += bidder + ' ' + std::to_string(amount) + '\n';
    return libraft::snapshot_of(Bytes(std::move(text)));
  }
  std::error_code restore(libraft::SnapshotReader& snapshot) override {
    const auto text = libraft::read_all(snapshot, 1u << 20);
    if (!text) return text.error();
    bids_.clear();
    std::string_view rest = text->view();
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      const auto space = rest.find(' ');
      bids_[std::string(rest.substr(0, space))] = std::stoull(std::string(rest.substr(space + 1, end - space - 1)));
      rest.remove_prefix(end + 1);
    }
    return {};
  }
  libraft::Result<Bytes> query(std::string_view) override { return Bytes(leader()); }

 private:
  std::string leader() const {
    std::string best;
    for (const auto& [bidder, amount] : bids_) {  // the bug: after a snapshot the order is another one
      if (best.empty() || amount > bids_.at(best)) best = bidder;
    }
    return best;
  }
  std::unordered_map<std::string, std::uint64_t> bids_;
};

int main() {
  libraft::testkit::Service service;
  service.machine = [] { return std::make_unique<Auction>(); };
  service.command = [](Random& random, std::uint64_t number) {
    return Bytes("bidder" + std::to_string(random.below(20)) + ' ' + std::to_string(number));
  };
  service.query = [](Random&) { return std::string("who leads?"); };
  service.memory = libraft::memory_storages;

  libraft::testkit::SimulateOptions options;
  options.seeds = 50;
  options.violations_max = 1;
  options.replay_command = "sample_simulate";
  const auto report = libraft::testkit::simulate(service, options);
  std::cout << to_text(report) << to_json(report) << '\n';
  return report.violations.empty() ? 1 : 0;  // here the violation is what was wanted
}
