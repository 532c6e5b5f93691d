#include "testkit/explore/catalogue.hpp"

#include "testkit/explore/hashing.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace libraft::testkit::explore {

namespace {

/// A Core with its queues takes about this much; an estimate for the bound on memory.
constexpr std::size_t kNodeBytes = 6000;
constexpr std::size_t kMessageBytes = 400;
constexpr std::size_t kStepBytes = 160;

/// All ways to name the voters; learners keep their names, for they are few.
std::vector<Renaming> all_namings(const Shape& shape, bool uses_symmetry) {
  std::vector<std::uint64_t> names(shape.voters);
  std::iota(names.begin(), names.end(), 1);
  std::vector<Renaming> namings;
  do {
    Renaming naming;
    for (std::size_t i = 0; i < names.size(); ++i) naming[{i + 1}] = {names[i]};
    namings.push_back(naming);
  } while (uses_symmetry && namings.size() < kNamingsMax && std::next_permutation(names.begin(), names.end()));
  return namings;
}

template <class Value>
HashOfNaming hashes_of(const std::vector<Renaming>& namings, const Value& hash_with) {
  HashOfNaming hashes{};
  for (std::size_t i = 0; i < namings.size(); ++i) hashes[i] = mixed(hash_with(namings[i]));
  return hashes;
}

}  // namespace

Catalogue::Catalogue(const Shape& shape, Options options)
    : shape_(shape),
      options_(options),
      namings_(all_namings(shape, options.uses_symmetry && shape.voters <= 3)),
      messages_(1) {}

NodeKey Catalogue::boot(std::uint64_t id) {
  return add(NodeModel(shape_, {id}));
}

NodeKey Catalogue::add(NodeModel model) {
  const HashOfNaming hash = hashes_of(namings_, [&](const Renaming& names) { return model.hash(names); });
  const auto fresh = static_cast<NodeKey>(nodes_.size());
  const NodeKey key = node_positions_.find_or_insert(hash[0], fresh);
  if (key == fresh) {
    summaries_.push_back({hash, model.view()});
    nodes_.push_back({std::move(model), nullptr});
  } else if (options_.checks_digests && !nodes_[key].twin && !(nodes_[key].model.core() == model.core())) {
    nodes_[key].twin = std::make_unique<NodeModel>(std::move(model));
  }
  return key;
}

MessageKey Catalogue::add(Message message) {
  const HashOfNaming hash = hashes_of(namings_, [&](const Renaming& names) { return hash_of(message, names); });
  const auto fresh = static_cast<MessageKey>(messages_.size());
  const auto key = static_cast<MessageKey>(message_positions_.find_or_insert(hash[0], fresh));
  if (key == fresh) {
    KnownMessage known;
    known.hash = hash;
    known.from = static_cast<std::uint8_t>(message.route.from.value);
    known.to = static_cast<std::uint8_t>(message.route.to.value);
    known.asks_for_vote =
        std::holds_alternative<PreVote>(message.body) || std::holds_alternative<RequestVote>(message.body);
    known.message = std::move(message);
    messages_.push_back(std::move(known));
  }
  return key;
}

const KnownStep& Catalogue::step(NodeKey node, Happening what, std::uint32_t argument) {
  const std::uint64_t key =
      mixed(std::uint64_t{node} << 32 | std::uint64_t{argument} << 4 | static_cast<std::uint64_t>(what));
  const auto fresh = static_cast<std::uint32_t>(steps_.size());
  const std::uint32_t position = step_positions_.find_or_insert(key, fresh);
  if (position == fresh) {
    steps_.emplace_back();
    KnownStep step = compute(nodes_[node].model, what, argument);
    if (options_.checks_digests) compare(node, step, what, argument);
    steps_[position] = std::move(step);
  }
  return steps_[position];
}

KnownStep Catalogue::compute(NodeModel model, Happening what, std::uint32_t argument) {
  const bool is_delivery = what == Happening::deliver || what == Happening::deliver_late;
  Outcome outcome = model.happen(what, argument, is_delivery ? &messages_[argument].message : nullptr);
  KnownStep step;
  step.violation = std::move(outcome.violation);
  step.reads = std::move(outcome.reads);
  for (Message& message : outcome.sent) step.sent.push_back(add(std::move(message)));
  std::sort(step.sent.begin(), step.sent.end());
  step.sent.erase(std::unique(step.sent.begin(), step.sent.end()), step.sent.end());
  step.node = add(std::move(model));
  return step;
}

void Catalogue::compare(NodeKey node, const KnownStep& step, Happening what, std::uint32_t argument) {
  if (!nodes_[node].twin) return;
  const KnownStep other = compute(*nodes_[node].twin, what, argument);
  const bool is_same = other.node == step.node && other.sent == step.sent && other.reads == step.reads &&
                       other.violation == step.violation;
  if (is_same) return;
  mismatches_.push_back("node " + std::to_string(view(node).id) + " in state " + std::to_string(node) + ": happening " +
                        std::to_string(static_cast<int>(what)) + " leads to states " + std::to_string(step.node) +
                        " and " + std::to_string(other.node));
}

std::size_t Catalogue::bytes() const {
  return nodes_.size() * kNodeBytes + messages_.size() * kMessageBytes + steps_.size() * kStepBytes +
         node_positions_.bytes() + message_positions_.bytes() + step_positions_.bytes();
}

}  // namespace libraft::testkit::explore
