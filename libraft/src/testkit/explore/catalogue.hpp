// All states of nodes and all messages that were met, each once, and what followed from what.
//
// What a node does depends on its own state and on what happens to it, and on nothing else. So each pair of the two is
// run once on the real Core, however many states of the cluster it occurs in: a search over the cluster then handles
// small numbers only.
#pragma once

#include "testkit/explore/flat_table.hpp"
#include "testkit/explore/node_model.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace libraft::testkit::explore {

/// The most ways to name the members that are tried.
inline constexpr std::size_t kNamingsMax = 6;
using NodeKey = std::uint32_t;
using MessageKey = std::uint16_t;

/// One value for each way to name the members.
using HashOfNaming = std::array<std::uint64_t, kNamingsMax>;

/// A message that was met. Zero is no message's key.
struct KnownMessage {
  HashOfNaming hash{};
  Message message;
  std::uint8_t from = 0;
  std::uint8_t to = 0;
  bool asks_for_vote = false;  ///< what it leads to may depend on when the leader was heard last
};

/// A state of a node that was met.
struct KnownNode {
  NodeModel model;
  std::unique_ptr<NodeModel> twin;  ///< equal but for time and random state; kept when digests are checked
};

/// What a search looks at all the time.
struct NodeSummary {
  HashOfNaming hash{};
  NodeView view;
};

/// What followed.
struct KnownStep {
  NodeKey node = 0;
  std::vector<MessageKey> sent;
  std::vector<ReadOutcome> reads;
  std::string violation;
};

class Catalogue {
 public:
  struct Options {
    bool uses_symmetry = true;    ///< find states equal that differ in who is who
    bool checks_digests = false;  ///< see mismatches()
  };
  Catalogue(const Shape& shape, Options options);

  [[nodiscard]] const Shape& shape() const { return shape_; }
  /// The first is the identity.
  [[nodiscard]] const std::vector<Renaming>& namings() const { return namings_; }
  /// A new node `id` of 1, 2, ...
  [[nodiscard]] NodeKey boot(std::uint64_t id);
  [[nodiscard]] const NodeModel& model(NodeKey key) const { return nodes_[key].model; }
  [[nodiscard]] const NodeView& view(NodeKey key) const { return summaries_[key].view; }
  [[nodiscard]] const HashOfNaming& hash(NodeKey key) const { return summaries_[key].hash; }
  [[nodiscard]] const KnownMessage& message(MessageKey key) const { return messages_[key]; }
  /// `argument` as for NodeModel::happen; the two deliveries take a MessageKey. Valid until the next call.
  [[nodiscard]] const KnownStep& step(NodeKey node, Happening what, std::uint32_t argument);

  [[nodiscard]] std::size_t nodes() const { return nodes_.size(); }
  [[nodiscard]] std::size_t messages() const { return messages_.size(); }
  [[nodiscard]] std::size_t steps() const { return steps_.size(); }
  /// No more keys are left.
  [[nodiscard]] bool is_full() const { return messages_.size() > 60000 || nodes_.size() > 0xf0000000u; }
  [[nodiscard]] std::size_t bytes() const;
  /// Two states of a node that were taken for the same, and went different ways: the digest forgets something. Looked
  /// for with `checks_digests`.
  [[nodiscard]] const std::vector<std::string>& mismatches() const { return mismatches_; }

 private:
  NodeKey add(NodeModel model);
  MessageKey add(Message message);
  KnownStep compute(NodeModel model, Happening what, std::uint32_t argument);
  void compare(NodeKey node, const KnownStep& step, Happening what, std::uint32_t argument);

  Shape shape_;
  Options options_;
  std::vector<Renaming> namings_;
  std::deque<KnownNode> nodes_;
  std::vector<NodeSummary> summaries_;
  std::vector<KnownMessage> messages_;
  std::deque<KnownStep> steps_;
  PositionMap node_positions_, message_positions_, step_positions_;
  std::vector<std::string> mismatches_;
};

}  // namespace libraft::testkit::explore
